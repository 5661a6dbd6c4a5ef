// Unmodified Yjs clients in one room: node interop.mjs DIALECT URL ROOM TOKEN VIEWER_TOKEN
// DIALECT is "y" (y-websocket), "hocuspocus", or "both" (one of each).
// Prints one JSON line {checks: [...], error: null | string}; exit 1 on error.
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(join(process.cwd(), 'package.json'))
const Y = require('yjs')
const WebSocket = require('ws')
const { WebsocketProvider } = require('y-websocket')
const { HocuspocusProvider, HocuspocusProviderWebsocket } = require('@hocuspocus/provider')

const [dialect, url, room, token, viewerToken] = process.argv.slice(2)
const checks = []
const clients = []
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function until (condition, what) {
  const start = Date.now()
  while (!condition()) {
    if (Date.now() - start > 8000) throw new Error(what)
    await sleep(5)
  }
  checks.push(what)
}

// Yjs and the relay's library differ in what becomes of a character that is torn in two.
function whole (text, at) {
  const unit = text.toString().charCodeAt(at)
  return unit >= 0xdc00 && unit < 0xe000 ? at + 1 : at
}

function yClient (auth) {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(url, room, doc, {
    WebSocketPolyfill: WebSocket, disableBc: true, maxBackoffTime: 500, params: { token: auth }
  })
  let received = 0
  const closes = []
  provider.on('connection-close', (event) => { closes.push(event?.code) })
  provider.on('status', () => {
    provider.ws?.addEventListener('message', () => { received++ })
  })
  return {
    doc,
    closes,
    awareness: provider.awareness,
    synced: () => provider.synced,
    saved: () => true,
    received: () => received,
    socket: () => provider.ws,
    stop: () => { provider.shouldConnect = false },
    disconnect: () => provider.disconnect(),
    connect: () => provider.connect(),
    leave: () => provider.destroy()
  }
}

function hocuspocusClient (auth) {
  const doc = new Y.Doc()
  const socket = new HocuspocusProviderWebsocket({
    url, WebSocketPolyfill: WebSocket, delay: 100, minDelay: 100
  })
  let received = 0
  const denied = []
  const scopes = []
  const provider = new HocuspocusProvider({
    websocketProvider: socket,
    name: room,
    document: doc,
    token: auth,
    onMessage: () => { received++ },
    onAuthenticationFailed: ({ reason }) => denied.push(reason),
    onAuthenticated: ({ scope }) => scopes.push(scope)
  })
  provider.attach()
  return {
    doc,
    denied,
    scopes,
    awareness: provider.awareness,
    synced: () => provider.isSynced,
    saved: () => !provider.hasUnsyncedChanges,
    received: () => received,
    socket: () => socket.webSocket,
    stop: () => { socket.shouldConnect = false },
    disconnect: () => socket.disconnect(),
    connect: () => socket.connect(),
    leave: () => { provider.destroy(); socket.destroy() }
  }
}

// Many rooms on one websocket; a room by the name `names[0]` of a stranger is refused alone.
function library (names, auth = token) {
  const socket = new HocuspocusProviderWebsocket({
    url, WebSocketPolyfill: WebSocket, delay: 100, minDelay: 100
  })
  let opened = 0
  socket.on('open', () => { opened++ })
  const books = names.map(name => {
    const book = { doc: new Y.Doc(), denied: false }
    book.text = book.doc.getText('text')
    book.provider = new HocuspocusProvider({
      websocketProvider: socket,
      name,
      document: book.doc,
      token: auth,
      onAuthenticationFailed: () => { book.denied = true }
    })
    book.provider.attach()
    return book
  })
  clients.push({ leave: () => { books.forEach(b => b.provider.destroy()); socket.destroy() } })
  return { books, opened: () => opened }
}

async function manyRooms () {
  const names = Array.from({ length: 30 }, (_, n) => `${room}/file/${n}`)
  const mine = library([...names, 'another-studio'])
  const theirs = library(names)
  const books = mine.books.slice(0, -1)
  await until(() => [...books, ...theirs.books].every(b => b.provider.isSynced),
    'thirty rooms on one socket are synced')
  await until(() => mine.books.at(-1).denied, 'a room that is not granted is denied alone')
  books.forEach((book, n) => book.text.insert(0, `book ${n}`))
  await until(() => theirs.books.every((b, n) => b.text.toString() === `book ${n}`),
    'each room has its own text')
  await until(() => books.every(b => !b.provider.hasUnsyncedChanges), 'each room is saved')
  books[0].provider.destroy()
  theirs.books[0].text.insert(0, 'without you ')
  books[1].text.insert(0, 'still here ')
  await until(() => theirs.books[1].text.toString() === 'still here book 1',
    'a room is left without the others')
  if (books[0].text.toString() !== 'book 0') throw new Error('a room that was left is told more')
  if (mine.opened() !== 1 || theirs.opened() !== 1) throw new Error('more than one socket each')
}

let made = 0
function client (auth = token) {
  const y = dialect === 'y' || (dialect === 'both' && made++ % 2 === 0)
  const one = y ? yClient(auth) : hocuspocusClient(auth)
  one.text = one.doc.getText('text')
  one.sees = (other) => one.awareness.getStates().get(other.doc.clientID)
  clients.push(one)
  return one
}

async function main () {
  const a = client()
  await until(a.synced, 'a lone client is synced')
  a.text.insert(0, 'hello ')
  a.awareness.setLocalStateField('user', { name: 'Ann' })
  const b = client()
  await until(b.synced, 'a second client is synced')
  await until(() => b.text.toString() === 'hello ', 'the second client has the text')
  await until(() => b.sees(a)?.user?.name === 'Ann', 'who joins sees who is there')
  b.awareness.setLocalStateField('user', { name: 'Bob' })
  await until(() => a.sees(b)?.user?.name === 'Bob', 'who is there sees who joins')
  await until(() => a.sees(b).person.role === 'editor', 'presence carries the stamp')

  const heard = a.received()
  a.awareness.setLocalStateField('cursor', 1)
  await until(() => a.received() > heard, 'presence is echoed to its sender')

  for (let i = 0; i < 200; i++) {
    a.text.insert(a.text.length, 'a' + (i % 10))
    b.text.insert(0, 'b')
    if (i % 20 === 0) { a.text.insert(whole(a.text, 3), '😀é'); await sleep(1) }
    if (i % 7 === 0) b.text.delete(0, 1)
  }
  await until(() => a.text.toString() === b.text.toString() &&
    a.text.toString().split('b').length - 1 === 171, 'concurrent edits converge')
  await until(() => a.saved() && b.saved(), 'every change is reported saved')

  const c = client()
  await until(() => c.text.toString() === a.text.toString(), 'a late joiner has everything')

  b.disconnect()
  await sleep(50)
  b.text.insert(0, 'OFFLINE')
  a.text.insert(0, 'ONLINE')
  b.connect()
  await until(() => a.text.toString() === b.text.toString() &&
    a.text.toString().includes('OFFLINE') && a.text.toString().includes('ONLINE'),
  'offline edits come back')
  await until(() => a.sees(b)?.user?.name === 'Bob', 'presence comes back with its client')

  if (viewerToken) {
    const before = a.text.toString()
    const viewer = client(viewerToken)
    await until(() => viewer.text.toString() === before, 'a viewer reads')
    viewer.text.insert(0, 'FORBIDDEN')
    viewer.awareness.setLocalStateField('user', { name: 'Vera' })
    await until(() => a.sees(viewer)?.person?.role === 'viewer', 'a viewer is seen')
    a.text.insert(0, 'x')
    await until(() => b.text.toString() === a.text.toString(), 'editors go on')
    if (a.text.toString().includes('FORBIDDEN')) throw new Error('a viewer wrote')
    viewer.stop()
    viewer.leave()
  }

  b.leave()
  await until(() => !a.sees(b), 'who leaves is gone')
  c.awareness.setLocalStateField('user', { name: 'Cid' })
  await until(() => a.sees(c), 'the third client is seen')
  c.stop()
  c.socket().terminate()
  await until(() => !a.sees(c), 'who crashes is gone')

  if (dialect === 'y') {
    const stranger = client('not a token')
    await until(() => stranger.closes.includes(4401), 'a bad token is refused')
    await sleep(600) // longer than it waits between two attempts
    if (stranger.closes.length !== 1) throw new Error('a refused client comes back')
  }
  if (dialect === 'hocuspocus') {
    const stranger = client('not a token')
    await until(() => stranger.denied.length > 0, 'a bad token is denied')
    stranger.stop()
    await manyRooms()
  }
}

let error = null
try { await main() } catch (failure) { error = failure.message }
console.log(JSON.stringify({ checks, error }))
for (const one of clients) { try { one.leave() } catch {} }
process.exit(error === null ? 0 : 1)
