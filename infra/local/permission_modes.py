"""Whether Lambdas' roles are enforced: the emulator's settings, as its parent names them."""

from __future__ import annotations

from typing import Final

#: What is not allowed is refused, as on AWS; or only told.
ENFORCE: Final = "enforce"
WARN: Final = "warn"
MODES: Final = (ENFORCE, WARN)

#: Environment variable of the emulator, and of whoever starts a local stack: one of MODES.
MODE: Final = "LOCAL_PERMISSIONS"

#: Environment variable of the emulator: the file of what roles were used for. One JSON object
#: a line: function, role, action, resource, allowed. Begun anew at each start.
USED_FILE: Final = "LOCAL_PERMISSIONS_USED"
#: That file's name in a stack's state directory.
USED_NAME: Final = "permissions-used.jsonl"
