"""A screen of places on which people find each other: where they are, going there, following."""

from __future__ import annotations

from textual import events, on, work

from studio_tui.app.follow import Follow
from studio_tui.app.layout import Layout
from studio_tui.app.panes.work_pane import TERMINAL, WorkPane
from studio_tui.app.people import People
from studio_tui.app.problems import told
from studio_tui.app.screens.places import PLACES, PlacesScreen
from studio_tui.app.truncate import clip, scrub
from studio_tui.app.widgets.follow_bar import FollowBar
from studio_tui.client.studio import Studio
from studio_tui.document.presence import Gaze, Person

NAME_CELLS = 24


class PeopleScreen(PlacesScreen):
    """Goes where others are, and after them; it holds a `FollowBar` besides the places.

    Args:
        studio: where they are.
        layout: how this person likes the screen.
    """

    def __init__(self, studio: Studio, layout: Layout | None = None) -> None:
        super().__init__(layout)
        self.studio = studio
        self.people = People(studio, self.app)
        self.follow = Follow(self)

    @property
    def work_pane(self) -> WorkPane:
        """Open files and terminals."""
        return self.query_one(WorkPane)

    @property
    def follow_bar(self) -> FollowBar:
        """What says who is followed."""
        return self.query_one(FollowBar)

    @property
    def terminal_titles(self) -> dict[str, str]:
        """The title of each terminal of the studio by its id."""
        return {entry.id: entry.title for entry in self.studio.document.terminals.values()}

    # -- going --------------------------------------------------------------------------------

    def open_file(self, path: str, focus: bool = True, line: int = 0) -> None:
        """Open a file in a tab, at a line if one is given."""
        self.turn_to("work")
        self.work_pane.open_file(path, focus=focus, line=line)

    def show_terminal(self, id: str) -> None:
        """Go to a terminal's tab."""
        self.action_go("work")
        self.work_pane.activate(TERMINAL + id)

    def turn_to(self, place: str) -> None:
        """Have a narrow screen show a place; a wide one shows it already, or a person folded it."""
        if self.narrow and place != self.place and place in dict(PLACES):
            self.place = place
            self.lay_out()

    @work(group="open")
    async def join_gaze(self, gaze: Gaze) -> None:
        """Go where somebody looks, with the caret."""
        if gaze.path:
            self.turn_to("work")
            with told(self.work_pane):
                await self.work_pane.bring(gaze.path)
            if self.work_pane.editor is not None and self.work_pane.path == gaze.path:
                self.work_pane.editor.join(gaze)
        elif gaze.terminal in self.studio.document.terminals:
            self.show_terminal(gaze.terminal)

    # -- people -------------------------------------------------------------------------------

    @work(exclusive=True, group="people")
    async def action_people(self) -> None:
        """Show who is here, and go to one of them."""
        from studio_tui.app.screens.people_list import PeopleList

        mine = self.studio.me.connection if self.studio.me else 0
        owner = bool(self.check_action("invite", ()))
        chosen = await self.app.push_screen_wait(
            PeopleList(self.people, self.terminal_titles, mine, owner=owner)
        )
        if chosen is None:
            return
        if chosen.follow:
            self.start_following(chosen.person)
        else:
            self.join_gaze(chosen.person.gaze)

    @work(exclusive=True, group="people")
    async def action_invite(self) -> None:
        """Make an invite, and show it."""
        from studio_tui.app.screens import invite

        await invite.visit(self)

    @work(exclusive=True, group="people")
    async def action_comments(self) -> None:
        """List the comments of all files, those of the file that is seen first."""
        from studio_tui.app.screens.comment_list import CommentList, question

        editor = self.work_pane.editor
        here = editor.file.comments if editor is not None else []
        ids = {thread.comment.id for thread in here}
        rest = [t for t in self.studio.remarks.threads() if t.comment.id not in ids]
        listed, left_out = [*here, *rest], self.studio.remarks.left_out
        chosen = await self.app.push_screen_wait(CommentList(listed, self.people, left_out))
        if chosen is None:
            return
        thread, remarks = chosen.thread, self.studio.remarks
        with told(self.work_pane):
            match chosen.act:
                case "go":
                    gaze = Gaze(thread.path, thread.line or 0, head=thread.comment.start)
                    self.join_gaze(gaze)
                case "reply":
                    if said := await self.app.push_screen_wait(question(thread)):
                        remarks.reply(thread.comment.id, said)
                case "resolve":
                    remarks.resolve(thread.comment.id, resolved=thread.open)
                case "remove":
                    remarks.remove(thread.comment.id)

    def action_follow(self) -> None:
        """Follow the only other person who is here, or choose one."""
        others = self.people.others
        if len(others) == 1:
            self.start_following(others[0])
        else:
            self.action_people()

    def start_following(self, person: Person) -> None:
        """Follow somebody until an own key."""
        with told(self.work_pane):
            self.follow.start(person)
            self.show_following()
            self.call_after_refresh(self.follow_bar.focus)

    def show_following(self) -> None:
        """Go where the one who is followed is, and say so."""
        followed = self.follow.connection
        if followed:
            self.follow.step()
        person = self.follow.person
        if person is not None:
            self._tell_of(person)
        elif followed and not self.follow.connection:
            self.stop_following()

    def _tell_of(self, person: Person) -> None:
        from studio_tui.app.screens.people_list import whereabouts

        name = clip(scrub(person.name), NAME_CELLS)
        where = whereabouts(person, self.terminal_titles)
        self.follow_bar.show(name, where, self.people.colour(person.name))
        self._attend()

    @on(FollowBar.Ended)
    def stop_following(self) -> None:
        """Go one's own way again, from where one is."""
        self.follow.end()
        self.follow_bar.hide()
        self._attend()
        if self.focused is None or self.focused is self.follow_bar:
            self.place_of(self.place if self.narrow else "work").enter()

    def _attend(self) -> None:
        """Tell the others which place has this person's keys, and whom they follow."""
        focused = self.focused_place
        place = (focused.id or "") if focused else self.place
        self.studio.attend(place, self.follow.connection)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Whoever turns to something follows nobody any more."""
        if self.follow.connection and event.widget is not self.follow_bar:
            self.stop_following()
        self._attend()

    def _forward_event(self, event: events.Event) -> None:
        """A press and a turn of the wheel are own keys, too, wherever they are made."""
        own = isinstance(event, (events.MouseDown, events.MouseScrollDown, events.MouseScrollUp))
        if own and self.follow.connection:
            self.stop_following()
        super()._forward_event(event)
