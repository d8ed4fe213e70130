"""Settings: what is in force, where it came from, and the exact line that would change it; writes nothing."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from services.settings.config import Config
from services.settings.explain import Explained, explain, state_reason, versions
from tui.bridge import apart
from tui.screens import settings_parts as parts
from tui.screens.job_parts import moment
from tui.screens.list_screen import ListScreen
from tui.work import start_work
from widgets.empty import Empty
from widgets.filter_bar import FilterBar
from widgets.inventory_table import InventoryTable
from widgets.key_value import KeyValues
from widgets.plain import plain
from widgets.problem_box import ProblemBox

NAMES = list(parts.PAGES)


class SettingsScreen(ListScreen):
    """Six pages of rows; below the rows what the one under the cursor means and how it is set."""

    MODE: ClassVar[str] = "settings"
    TOPICS: ClassVar[tuple[str, ...]] = ("locations",)
    CSS_PATH = "../styles/settings.tcss"
    HELP = """
# Settings

What is in force now and where each came from: config files, Quilltap's `.env`, the environment, flags.
This screen writes no file. For every setting it shows the exact line and the file it belongs to.
Of secrets it says only whether they are set, and by what.

- Left and right go through the pages: settings, locations, profiles, keys, themes, state.
- `y` copies the line of the row under the cursor, `s` saves the whole page as a new file.
- Enter shows the row as a text, with nothing cut off.
- `/` filters; `r` looks at the locations again.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "page(1)", "Next page", id="settings.next"),
        Binding("left", "page(-1)", "Page before", show=False, id="settings.previous"),
        Binding("y", "copy", "Copy line", id="settings.copy"),
        Binding("s", "save", "Save page", id="settings.save"),
        Binding("enter", "whole", "Whole", id="settings.whole"),
        Binding("slash", "filter", "Filter", key_display="/", id="settings.filter"),
        Binding("escape", "clear", "Show all", show=False, id="settings.clear"),
        Binding("r", "look", "Look again", id="settings.look"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._page = NAMES[0]
        self._told: dict[str, parts.Told] = {}
        self._keys: list[parts.KeyTold] | None = None
        self._versions: tuple[tuple[str, str], ...] | None = None
        self._reason = ""

    def compose_body(self) -> ComposeResult:
        glyphs = self.console.glyphs
        yield Static("", id="settings-pages", markup=False)
        yield ProblemBox(glyphs=glyphs, id="settings-problem")
        yield Empty("", id="settings-empty")
        yield InventoryTable(parts.COLUMNS[self._page], ellipsis=glyphs.ellipsis, id="settings-table")
        yield FilterBar(id="settings-filter")
        yield KeyValues(id="settings-about")

    def show(self, topic: str) -> None:
        """Another profile, other folders, or another answer of the locations."""
        self._show_page()

    def action_page(self, by: int) -> None:
        """The next page, or the one before."""
        self._page = NAMES[(NAMES.index(self._page) + by) % len(NAMES)]
        self.query_one(FilterBar).clear()
        self.query_one(InventoryTable).show([], parts.COLUMNS[self._page])
        if self._page == "locations" and not self.console.store.looked("locations").known:
            self.console.look_at("locations")
        if self._page == "keys" and self._keys is None:
            start_work(self, self._read_keys, group="keys", description="read the keys")
        if self._page == "state" and self._versions is None:
            start_work(self, self._read_versions, group="versions", description="read the versions")
        self._show_page()

    async def _read_keys(self) -> None:
        self._keys = await apart(every_key)
        self._show_page()

    async def _read_versions(self) -> None:
        self._reason = await apart(state_reason, self.console.store.backend.paths)
        self._versions = await apart(versions)
        self._show_page()

    @property
    def _config(self) -> Config:
        settings = self.console.store.settings
        return settings.config if settings is not None else Config()

    @property
    def _explained(self) -> tuple[Explained, ...]:
        store = self.console.store
        read = store.settings.profile.read_only if store.settings is not None else store.profile.read_only
        pressed = "key L in this console" if store.profile.read_only and not read else ""
        return explain(store.profile, store.settings, theme=self.console.theme, read_only_source=pressed)

    def _rows(self) -> list[parts.Told]:
        store, glyphs = self.console.store, self.console.glyphs
        if self._page == "settings":
            return parts.setting_rows(self._explained)
        if self._page == "locations":
            looked = store.looked("locations")
            waiting = f"Looking since {moment(looked.asked)}." if looked.waiting else ""
            seen = looked.value.locations if looked.value is not None else None
            return parts.location_rows(store.profile.locations, seen, self._explained, glyphs, waiting)
        if self._page == "profiles":
            return parts.profile_rows(store.profile, store.settings, self._config, glyphs)
        if self._page == "keys":
            return parts.key_rows(self._keys or (), store.settings, self._config)
        if self._page == "themes":
            from tui.themes import theme_names

            return parts.theme_rows(theme_names(), self.console.theme, store.settings, glyphs)
        paths = store.backend.paths
        return parts.state_rows(
            str(paths.state),
            self._reason,
            store.settings,
            self._versions or (),
            str(paths.jobs),
            str(paths.notes),
        )

    def _show_page(self) -> None:
        told = self._rows()
        self._told = {one.row.key: one for one in told}
        names = (f"[{title}]" if name == self._page else f" {title} " for name, title in parts.PAGES.items())
        self.query_one("#settings-pages", Static).update(plain("".join(names)))
        looked = self.console.store.looked("locations")
        problem = looked.problem if self._page == "locations" else self.console.store.settings_problem
        self.show_problem(problem)
        self.show_list([one.row for one in told])

    def empty_words(self) -> tuple[str, str]:
        """What the page waits for, or how it is filled."""
        if self._page == "keys":
            return "Collecting the keys of every screen.", ""
        if self._page == "profiles":
            if self.console.store.profile.demo:
                return (
                    "The demo is the only deployment here.",
                    "It reads no profiles, and ends with this console.",
                )
            return "No profile is configured.", "Page Settings shows the lines that make one."
        if self._page != "locations":
            return "There is nothing on this page.", ""
        return "No folder for backups is configured.", self._how_to_name_one()

    def _how_to_name_one(self) -> str:
        one = next(one for one in self._explained if one.name == "locations")
        return f"Set BACKUP_DIR=/path/to/backups, or:\n{one.how}\n{one.line}"

    def show_about(self) -> None:
        """The row under the cursor."""
        told = self._selected
        self.query_one(KeyValues).show(told.pairs if told else ())

    @property
    def _selected(self) -> parts.Told | None:
        row = self.query_one(InventoryTable).cursor
        return self._told.get(row.key) if row is not None else None

    def on_inventory_table_opened(self) -> None:
        """Enter."""
        self.action_whole()

    def why_disabled(self, action: str) -> str:
        """Why an action does nothing now; empty when it works."""
        if not self.is_mounted or action not in ("copy", "whole", "look"):
            return ""
        if action == "look":
            return "" if self._page == "locations" else "Only the locations are looked at."
        told = self._selected
        if told is None:
            return "There is no row under the cursor."
        if action == "copy" and not told.copy:
            return "No line of a file sets this."
        return ""

    def action_whole(self) -> None:
        """The row as a text, with nothing cut off."""
        told = self._selected
        if told is not None:
            title = told.row.cells[0] or parts.PAGES[self._page]
            text = parts.page_text(parts.PAGES[self._page], [told])
            self.console.show_text(title, text, name="quillkeep-setting.txt")

    def action_look(self) -> None:
        """Looks at the locations again."""
        self.console.look_at("locations")

    def action_copy(self) -> None:
        """The line of the row under the cursor."""
        told = self._selected
        if told is not None and told.copy:
            self.console.copy_text(told.copy, name=told.copy.rpartition("\n")[2])

    def action_save(self) -> None:
        """The page, as a new file."""
        rows = [self._told[row.key] for row in self.query_one(InventoryTable).rows]
        text = parts.page_text(parts.PAGES[self._page], rows)
        self.console.save_text(text, name=f"quillkeep-{self._page}.txt")


def every_key() -> list[parts.KeyTold]:
    """Every action that can be given another key, from all screens; imports them all."""
    from tui.keymap import FIXED, every_owner, own_bindings
    from widgets.key_names import key_name

    found: dict[str, parts.KeyTold] = {}
    for owner in every_owner():
        for binding in own_bindings(owner):
            if not binding.id:
                continue
            keys = [key_name(key) for key in binding.key.split(",")]
            known = found.get(binding.id)
            if known is not None:
                keys = [*known.keys.split(","), *keys]
            found[binding.id] = parts.KeyTold(
                id=binding.id,
                keys=",".join(dict.fromkeys(keys)),
                what=binding.description or binding.tooltip or binding.action,
                place=known.place if known else owner.__name__,
                fixed=binding.id.startswith(FIXED),
            )
    return sorted(found.values())
