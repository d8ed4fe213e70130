"""`python -m tests.bench.loop_blocks`: the console in this process, 10,000 backups and a running job, its loop watched.

Prints one JSON document: how long keys took from handling to paint and the longest time the loop stood still.
"""

from __future__ import annotations

import asyncio
import sys
import time

import msgspec

from services.operations.selftest import SelftestPlan
from services.settings.resolve import resolve_settings
from tui.app import QuillkeepApp
from tui.backend import Machine
from tui.store import Store
from widgets.inventory_table import InventoryTable

KEYS = ("down", "pagedown", "down", "up", "pageup", "down", "end", "home")
PRESSES = 200
BEAT = 0.002


class Blocks(msgspec.Struct, frozen=True):
    """Seconds, sorted: every key's time, and the longest that the loop did nothing but one thing.

    Each on the clock and in CPU time of this process: what else runs on the machine disturbs only the first.
    """

    keys: list[float]
    keys_cpu: list[float]
    longest_block: float
    longest_block_cpu: float
    rows: int


async def watch(gaps: list[tuple[float, float]], over: asyncio.Event) -> None:
    """Notes how much later than asked it was woken."""
    before, before_cpu = time.perf_counter(), time.process_time()
    while not over.is_set():
        await asyncio.sleep(BEAT)
        now, cpu = time.perf_counter(), time.process_time()
        gaps.append((now - before - BEAT, cpu - before_cpu))
        before, before_cpu = now, cpu


async def play() -> Blocks:
    """Opens Archives, waits for the rows, presses keys."""
    from services.paths import default_paths

    settings = resolve_settings()
    store = Store(Machine(default_paths()), settings.profile, settings=settings)
    app = QuillkeepApp(store, start_mode="archives")
    gaps: list[tuple[float, float]] = []
    taken: list[float] = []
    taken_cpu: list[float] = []
    over = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        watcher = asyncio.create_task(watch(gaps, over))
        await store.start_job("selftest", SelftestPlan(steps=2_000, seconds=0.1))
        while store.catalog.value is None:
            await pilot.pause(0.05)
        table = app.screen.query_one(InventoryTable)
        while len(table.rows) < len(store.catalog.value.backups):
            await pilot.pause(0.05)
        for number in range(PRESSES):
            begun, begun_cpu = time.perf_counter(), time.process_time()
            await pilot.press(KEYS[number % len(KEYS)])
            taken.append(time.perf_counter() - begun)
            taken_cpu.append(time.process_time() - begun_cpu)
            await asyncio.sleep(0.01)
        over.set()
        await watcher
        job = store.running[0].id if store.running else ""
        if job:
            store.backend.cancel_job(job)
    rows = len(store.catalog.value.backups)
    return Blocks(
        keys=sorted(taken),
        keys_cpu=sorted(taken_cpu),
        longest_block=max(wall for wall, _ in gaps),
        longest_block_cpu=max(cpu for _, cpu in gaps),
        rows=rows,
    )


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(asyncio.run(play())).decode() + "\n")
