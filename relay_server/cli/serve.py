"""`serve`: the relay in the foreground."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay_server.cli.given import default_key, default_store, key_option, store_option

if TYPE_CHECKING:
    from relay_server.settings import RelaySettings


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8484, show_default=True, help="Port; 0 takes a free one.")
@store_option
@key_option
@click.option("--tls-cert", type=click.Path(path_type=Path), help="Certificate, PEM.")
@click.option("--tls-key", type=click.Path(path_type=Path), help="Its key, PEM.")
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without TLS.")
@click.option("--origin", multiple=True, help="Origin header to accept, for browsers; repeatable.")
@click.option("--metrics-port", type=int, help="Serve /metrics on a port of its own, too.")
@click.option("--public-url", help="Where clients reach it, for invites: wss://relay.example.com")
@click.option("--audit", type=click.Path(path_type=Path), help="Append who did what to this file.")
@click.option(
    "--per-address",
    type=click.IntRange(1),
    metavar="N",
    help="Connections at once from one address; all clients of a proxy are one.  [default: 2500]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="What is told on stderr.",
)
@click.option("--log-json", is_flag=True, help="JSON lines on stderr.")
def serve(
    host: str,
    port: int,
    store: str | None,
    key: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    insecure: bool,
    origin: tuple[str, ...],
    metrics_port: int | None,
    public_url: str | None,
    audit: Path | None,
    per_address: int | None,
    log_level: str,
    log_json: bool,
) -> None:
    """Run the relay in the foreground until SIGTERM or ctrl+c.

    \b
    Example:
      studio-relay serve --host 0.0.0.0 --tls-cert relay.pem --tls-key relay.key
    """
    import asyncio

    from relay_server.limits import Limits
    from relay_server.logs import log_to
    from relay_server.places import raise_limit
    from relay_server.settings import RelaySettings

    log_to(sys.stderr, log_level, log_json)
    raise_limit()
    settings = RelaySettings(
        host=host,
        port=port,
        store=store or default_store(),
        key_path=key or default_key(),
        tls_cert=tls_cert,
        tls_key=tls_key,
        insecure=insecure,
        origins=origin,
        metrics_port=metrics_port,
        public_url=public_url,
        audit=audit,
        limits=Limits(per_address=per_address) if per_address else Limits(),
    )
    asyncio.run(_serve(settings))


async def _serve(settings: RelaySettings) -> None:
    import asyncio
    import signal

    from relay_server.serve import calm_collector, serve

    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, over.set)
    async with serve(settings) as running:
        calm_collector()
        click.echo(f"relay at {running.url}, key in {settings.key_path}")
        sys.stdout.flush()
        await over.wait()
