"""The demo's output: colours only on a terminal (and not with NO_COLOR), 60 to 96 columns, elapsed time on steps."""

import os
import shutil
import sys
import textwrap
import time
from contextlib import contextmanager

TTY = sys.stdout.isatty()
COLOUR = TTY and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
PLAIN = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
WIDTH = max(60, min(96, shutil.get_terminal_size((88, 24)).columns - 1))
CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
PLAIN_SIGNS = str.maketrans({"─": "-", "→": ">", "✓": "+", "✗": "x", "·": "-", "…": "~", "│": "|"})


def paint(text, *styles):
    """The text in these styles, where the terminal has them."""
    if not COLOUR or not styles:
        return text
    return f"\033[{';'.join(CODES[style] for style in styles)}m{text}\033[0m"


def say(text="", end="\n"):
    """Writes one line at once, so that a pipe sees it too."""
    print(text.translate(PLAIN_SIGNS) if PLAIN else text, end=end, flush=True)


def wrap(text, indent, first=None):
    """Folds a text to the width, the first line with its own indent."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,  # a path or an address is there to be copied
        break_on_hyphens=False,
    )


def title(text):
    """The heading of the whole."""
    say()
    say(paint(text, "bold"))


def chapter(number, heading, about):
    """The heading of a chapter, with what it is about."""
    head = f"── {number}. {heading} "
    say()
    say(paint(head + "─" * max(0, WIDTH - len(head)), "bold", "blue"))
    say(paint(wrap(about, ""), "dim"))
    say()


def permitted(call, shows, milliseconds):
    """A call that went through, and the first line of its answer."""
    verdict(paint("  permit", "green", "bold"), call, milliseconds)
    if shows:
        detail(shorten(shows, WIDTH - 12), "cyan")


def denied(call, reason, text, milliseconds):
    """A call that did not, with its reason."""
    verdict(paint("  deny  ", "red", "bold"), call, milliseconds)
    # Painted after folding, which would count the codes as width.
    folded = wrap(f"{reason}: {text}", " " * 12, " " * 10 + "→ ")
    say(folded.replace("→", paint("→", "dim"), 1).replace(reason, paint(reason, "yellow"), 1))


def verdict(label, call, milliseconds):
    """The first line of a call."""
    right = f"{milliseconds:.0f} ms"
    call = shorten(call, WIDTH - 12 - len(right))
    say(f"{label}  {call}{' ' * (WIDTH - 10 - len(call) - len(right))}{paint(right, 'dim')}")


def detail(text, *styles):
    """One more line below a call."""
    say(f"          {paint('→', 'dim')} {paint(text, *styles)}")


def note(text):
    """A sentence between calls."""
    say(paint(wrap(text, "  "), "dim"))


def block(lines, *styles):
    """Verbatim lines."""
    for line in lines:
        line = line if len(line) <= WIDTH - 4 else line[: WIDTH - 5] + "…"
        say("  " + paint("│ ", "dim") + paint(line, *styles))


def held(text):
    """Something that was asserted and is true."""
    say(wrap(text, "    ", "  ✓ ").replace("✓", paint("✓", "green"), 1))


def failed(text):
    """The failures, for the summary."""
    say()
    for number, line in enumerate(text.splitlines() or [""]):
        say(wrap(line, "    ", "  ✗ " if number == 0 else "    ").replace("✗", paint("✗", "red", "bold"), 1))


def shorten(text, limit):
    """One line of at most so many characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


class Ticker:
    """Keeps the elapsed time of a step in view."""

    def __init__(self, label):
        self.label, self.start, self.shown = label, time.monotonic(), -1

    def tick(self):
        """Call this now and then while waiting."""
        seconds = int(time.monotonic() - self.start)
        if TTY and seconds != self.shown:
            self.shown = seconds
            say(f"\r  {paint('…', 'yellow')} {self.label}  {paint(f'{seconds} s', 'dim')}", end="")

    def done(self, sign, style):
        """The last word on it."""
        seconds = time.monotonic() - self.start
        clear = "\r\033[K" if COLOUR else "\r" if TTY else ""
        say(f"{clear}  {paint(sign, style)} {self.label}  {paint(f'{seconds:.1f} s', 'dim')}")


@contextmanager
def step(label):
    """A step that takes time; `tick` the result while waiting."""
    ticker = Ticker(label)
    ticker.tick()
    try:
        yield ticker
    except BaseException:
        ticker.done("✗", "red")
        raise
    ticker.done("✓", "green")
