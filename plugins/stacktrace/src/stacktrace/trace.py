"""Stack traces as several languages print them."""

import re
from dataclasses import dataclass, field

#: Of a text no more is looked at, so that one record cannot take the time of thousands.
_LINES_MAX = 400
_LINE_CHARS_MAX = 400
_MESSAGE_CHARS_MAX = 1_000
#: The calls that a trace is known by are among the innermost.
_FRAMES_MAX = 64

#: The name of an exception: one that ends like one, or the last part of a dotted name.
_TYPE = r"(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception|Throwable|Fault|Failure|Interrupt|Exit|Timeout)|(?:[\w$]+\.)+[A-Z][\w$]*"
_HEADER = re.compile(rf'(?:Exception in thread "[^"]*" |Caused by: |Uncaught |Unhandled exception\. )?({_TYPE})(?:: (.*))?$')
_CAUSE = "Caused by: "
#: Java, Kotlin, Scala: at a.B.c(B.java:1); .NET: at A.B.C(String d) in /e/B.cs:line 1
_JVM = re.compile(r"\s*at ([^\s()]+)\(([^()]*)\)(?: in (.+):line (\d+))?")
_JVM_PLACE = re.compile(r"([^:()]+\.\w+):(\d+)$")
#: V8: at f (a.js:1:2), at async f (a.js:1:2), at a.js:1:2
_JS = re.compile(r"\s*at (?:async )?(?:(?:new )?([^()]+) \()?([^()\s][^()]*):(\d+):\d+\)?$")
_PYTHON = re.compile(r'\s*File "([^"]+)", line (\d+), in (.+)$')
_PYTHON_BEGIN = "Traceback (most recent call last):"
_PYTHON_HEADER = re.compile(r"([A-Za-z_][\w.]*)(?:: (.*))?$")
#: Go prints the function on a line, its place on the next.
_GO_PLACE = re.compile(r"\s+(\S+\.go):(\d+)(?: \+0x[0-9a-f]+)?$")
_GO_FUNCTION = re.compile(r"(?:created by )?(\S+?)(?:\([^()]*\))?(?: in goroutine \d+)?$")
_GO_PANIC = re.compile(r"panic: (.*)$")


@dataclass
class Frame:
    """One call: the function, and its place where that is known."""

    function: str
    file: str = ""
    line: int = 0


@dataclass
class Trace:
    """What failed (empty where the trace does not say), and the calls that led to it, the innermost first."""

    type: str = ""
    message: str = ""
    frames: list[Frame] = field(default_factory=list)


def find(text: str) -> Trace | None:
    """The trace in a text: of several that caused each other the root."""
    if "\n" not in text:
        return None
    lines = [line[:_LINE_CHARS_MAX].rstrip("\r") for line in text.split("\n", _LINES_MAX)[:_LINES_MAX]]
    # What a text does not have anywhere is not looked for in each line.
    if _PYTHON_BEGIN in text and any(line.strip() == _PYTHON_BEGIN for line in lines):
        trace = _python(lines)
    else:
        trace = (_go(lines) if ".go:" in text else None) or _calls(lines)
    if trace is not None:
        trace.message = trace.message[:_MESSAGE_CHARS_MAX]
    return trace


def _calls(lines: list[str]) -> Trace | None:
    """Of Java, .NET and JavaScript, which begin each call with `at`."""
    causes = [index for index, line in enumerate(lines) if line.lstrip().startswith(_CAUSE)]
    start = causes[-1] if causes else 0
    trace = Trace()
    for line in lines[start:]:
        frame = _call(line)
        if frame:
            trace.frames.append(frame)
            if len(trace.frames) == _FRAMES_MAX:
                break
        elif not trace.frames and not trace.type and line and (header := _HEADER.match(line.strip())):
            trace.type, trace.message = header[1], header[2] or ""
        elif trace.frames and not line.lstrip().startswith(("...", "Suppressed:", "---")):
            break
    return trace if trace.frames else None


def _call(line: str) -> Frame | None:
    if not line.lstrip().startswith("at "):
        return None
    if call := _JS.match(line):
        return Frame((call[1] or "").strip(), call[2], int(call[3]))
    if call := _JVM.match(line):
        if call[3]:
            return Frame(call[1], call[3], int(call[4]))
        place = _JVM_PLACE.match(call[2])
        # Behind the module that Java prints in front of a class.
        function = call[1].rsplit("/", 1)[-1]
        return Frame(function, place[1], int(place[2])) if place else Frame(function)
    return None


def _python(lines: list[str]) -> Trace | None:
    """The last traceback is that of the exception that nobody caught."""
    start = max(index for index, line in enumerate(lines) if line.strip() == _PYTHON_BEGIN)
    indent = len(lines[start]) - len(lines[start].lstrip())
    trace = Trace()
    for line in lines[start + 1 :]:
        if frame := _PYTHON.match(line):
            trace.frames.insert(0, Frame(frame[3], frame[1], int(frame[2])))
        elif trace.frames and line.strip() and not line[indent:].startswith(" "):
            if header := _PYTHON_HEADER.match(line.strip()):
                trace.type, trace.message = header[1], header[2] or ""
            break
    return trace if trace.frames else None


def _go(lines: list[str]) -> Trace | None:
    """Of a panic, of zap's field `stacktrace`, and of errors that carry a stack."""
    trace = Trace()
    for before, line in zip(lines, lines[1:]):
        if panic := _GO_PANIC.match(before):
            trace.type, trace.message = "panic", panic[1]
        place = _GO_PLACE.match(line)
        function = place and _GO_FUNCTION.match(before.strip())
        if function and not function[1].endswith(":"):
            trace.frames.append(Frame(function[1], place[1], int(place[2])))
        elif trace.frames and before.startswith("goroutine "):
            # The others are not the one that failed.
            break
    return trace if trace.frames else None
