from tui.screens.base import ConsoleScreen
class FirstRunScreen(ConsoleScreen):
    def compose_body(self): yield from ()
