"""Where the plugin and the SDK are: `python3 -m unittest` in the plugin's folder needs nothing installed."""

import sys
from pathlib import Path

_PLUGIN = Path(__file__).parents[1]
sys.path[:0] = [str(_PLUGIN / "src"), str(_PLUGIN.parents[1] / "sdk" / "python")]
