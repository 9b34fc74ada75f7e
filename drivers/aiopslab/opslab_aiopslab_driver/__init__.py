"""The opslab driver for AIOpsLab: one process plays one problem (driver protocol, version 1)."""

import sys

sys.dont_write_bytecode = True  # where the driver and AIOpsLab lie may be shared by many runs
