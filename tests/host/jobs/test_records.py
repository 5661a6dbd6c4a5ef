from __future__ import annotations

from pathlib import Path

from studio_tui.document.entries import JobEntry
from studio_tui.host.jobs.crew import Crew
from studio_tui.host.jobs.orders import Order
from studio_tui.host.jobs.records import ANSWER_POINTS, CURVE_POINTS, Records, plain, thinned
from studio_tui.host.machines.sites import Site
from studio_tui.jobs.metrics import Metrics
from studio_tui.jobs.spec import JobSpec
from tests.host.conftest import Bench

SPEC = JobSpec(script="train.py", env={"MY_TOKEN": "sesame"})
RUNNING = JobEntry("j", state="running", started=1.0)


def written(site: Site, log: str, metrics: str = "") -> None:
    folder = Path(site.supervisor.folder) / "j"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "log").write_text(log)
    (folder / "metrics").write_text(metrics)


async def test_a_log_is_read_with_its_secrets_covered(
    bench: Bench, site: Site, tmp_path: Path
) -> None:
    async with bench.host() as parts:
        order, sites = Order(SPEC, ("local",)), parts.sites(site)
        records = Records(tmp_path, lambda job: Crew(job, order, sites), lambda job: order)
        for soon in (JobEntry("j", state="queued"), JobEntry("j", state="starting", started=1.0)):
            assert await records.log(soon, 0, 100) == (b"", 0)  # its machine knows nothing of it
            assert await records.find(soon, "it", 0) is None
            assert await records.metrics(soon) == plain(Metrics())
        written(site, "it is sesame, sesa")
        assert await records.log(RUNNING, 0, 100) == (b"it is ******, ", 18)
        assert await records.log(RUNNING, 8, 3) == (b"***", 18)
        over = JobEntry("j", state="failed", started=1.0)
        assert await records.log(over, 0, 100) == (b"it is ******, sesa", 18)


async def test_a_search_does_not_tell_what_is_covered(
    bench: Bench, site: Site, tmp_path: Path
) -> None:
    async with bench.host() as parts:
        sites = parts.sites(site)
        orders = {True: Order(SPEC, ("local",)), False: Order(JobSpec(script="a.py"), ("local",))}
        written(site, "first\nit is sesame\nlast\n")
        over = JobEntry("j", state="succeeded", started=1.0)
        for secret, order in orders.items():
            records = Records(
                tmp_path, lambda job, o=order: Crew(job, o, sites), lambda job, o=order: o
            )
            expected = None if secret else 6
            for guess in ("ses", "sesame"):
                assert await records.find(over, guess, 0) == expected
                assert await records.find(over, guess, 18, back=True) == expected
            assert await records.find(over, "it is", 0) == 6
            assert await records.find(over, "last", 6) == 19
            assert await records.find(over, "first", 19, back=True) == 0
            assert await records.find(JobEntry("j", state="queued"), "it", 0) is None


async def test_curves_are_read_once_and_kept(bench: Bench, site: Site, tmp_path: Path) -> None:
    async with bench.host() as parts:
        order, sites = Order(SPEC, ("local",)), parts.sites(site)
        records = Records(tmp_path, lambda job: Crew(job, order, sites), lambda job: order)
        over = JobEntry("j", state="succeeded", started=1.0)
        assert await records.metrics(JobEntry("j", state="stopped")) == plain(Metrics())
        written(site, "", '{"event": "step", "step": 1, "values": {"sesame": 2}}\n')
        assert (await records.metrics(over))["metrics"] == {"******": [(1, 2.0)]}
        written(site, "", "")
        assert (await records.metrics(over))["metrics"] == {"******": [(1, 2.0)]}
        records.forget("j")
        assert (await records.metrics(over))["metrics"] == {}


async def test_the_log_of_several_machines_is_the_hosts_own(tmp_path: Path) -> None:
    order = Order(JobSpec(script="a.py", nodes=2), ("a", "b"))
    records = Records(tmp_path, lambda job: None, lambda job: order)  # type: ignore[arg-type,return-value]
    merged = records.merged("j")
    assert merged is not None
    merged.add("j-n0", 0, b"[rank0]: hello\n", "a")
    assert await records.log(RUNNING, 9, 100) == (b"hello\n", 15)
    assert await records.find(RUNNING, "hello", 0) == 0
    assert await records.find(RUNNING, "nobody", 0) is None
    records.forget("j")
    assert list(tmp_path.iterdir()) == []


def test_many_curves_have_fewer_points() -> None:
    metrics = Metrics()
    for step in range(2000):
        row = b'{"event": "step", "step": %d, "values": {"a": %d}}\n'
        metrics.feed(row % (step, step % 7))
    assert len(thinned(metrics)["a"]) <= CURVE_POINTS < 2000
    assert len(thinned(metrics)["a"]) > CURVE_POINTS * 0.9
    for name in range(400):
        metrics.feed(b'{"event": "step", "step": 1, "values": {"x%d": 1}}\n' % name)
    assert len(thinned(metrics)["a"]) <= ANSWER_POINTS // 401
