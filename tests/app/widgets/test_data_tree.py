"""The tree of sources by itself; with a person and a bucket it is in screens/test_data.py."""

from __future__ import annotations

from textual.app import App, ComposeResult

from studio_tui.app.widgets.data_tree import DataTree
from studio_tui.client.data import DataEntry, DataPage


class Alone(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.read: list[tuple[str, str]] = []

    def compose(self) -> ComposeResult:
        yield DataTree(self.page)

    async def page(self, url: str, token: str) -> DataPage:
        self.read.append((url, token))
        if not token:
            many = [DataEntry(f"s3://b/{n}", str(n), size=n) for n in range(3)]
            return DataPage(many, "2" if url == "s3://" else "")
        return DataPage([DataEntry("s3://z/", "z", "folder")], "")


async def test_a_folder_is_read_once_and_on_where_it_stopped() -> None:
    app = Alone()
    async with app.run_test() as pilot:
        tree = app.query_one(DataTree)
        tree.fill({"s3": "s3"})
        tree.focus()
        await pilot.press("right")
        await pilot.pause()
        await pilot.press("left", "right")
        await pilot.pause()
        assert app.read == [("s3://", "")]
        await pilot.press("right", "down", "down", "down")
        assert tree.chosen is None  # the row for more is no thing
        await pilot.press("enter")
        await pilot.pause()
        assert app.read == [("s3://", ""), ("s3://", "2")]
        assert [str(node.label) for node in tree.root.children[0].children] == list("012z")
        await pilot.press("left")
        assert tree.chosen is not None
        assert tree.chosen.url == "s3://"
