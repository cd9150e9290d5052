"""Who is to blame for a trace, and which traces are the same."""

import re
from itertools import islice

from tamis_sdk import text_hash

from .trace import Frame, Trace

#: How functions and files of languages and frameworks begin, or what is in their paths: nobody's own code.
_LIBRARIES = (
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "kotlin.",
    "scala.",
    "org.springframework.",
    "org.apache.",
    "System.",
    "Microsoft.",
    "runtime.",
    "panic",
    "net/http.",
    "testing.",
    "go.uber.org/",
    "github.com/gin-gonic/",
    "node:",
    "internal/",
)
_LIBRARY_PATHS = ("/site-packages/", "/dist-packages/", "/node_modules/", "/lib/python", "<frozen ", "/usr/local/go/src/")
#: What differs from build to build in a name: addresses, numbers of lambdas and of proxies.
_NUMBERS = re.compile(r"0x[0-9a-f]+|\$+\d+|@[0-9a-f]+|(?:Lambda|EnhancerBySpringCGLIB|Proxy)\$*[0-9a-f/]*")
_FRAMES_MAX = 8


def culprit(trace: Trace, in_app: tuple[str, ...]) -> str:
    """The innermost call of one's own code, as `function (file:line)`; of all code where there is none."""
    frame = _own(trace, in_app, 1)[0]
    place = f"{frame.file}:{frame.line}" if frame.file else ""
    if frame.function and place:
        return f"{frame.function} ({place})"
    return frame.function or place


def fingerprint(trace: Trace, in_app: tuple[str, ...]) -> str:
    """16 hexadecimal digits that are the same for the same failure, whatever its message, its lines and its build."""
    calls = [_NUMBERS.sub("", frame.function) or _name(frame.file) for frame in _own(trace, in_app, _FRAMES_MAX)]
    failure = "\n".join([trace.type, *calls])
    return f"{text_hash(failure):016x}"


def _own(trace: Trace, in_app: tuple[str, ...], count: int) -> list[Frame]:
    def is_own(frame: Frame) -> bool:
        if in_app:
            return frame.function.startswith(in_app) or frame.file.startswith(in_app)
        is_library = frame.function.startswith(_LIBRARIES) or frame.file.startswith(_LIBRARIES)
        return not is_library and not any(path in frame.file for path in _LIBRARY_PATHS)

    return list(islice(filter(is_own, trace.frames), count)) or trace.frames[:count]


def _name(file: str) -> str:
    return re.split(r"[/\\]", file)[-1]
