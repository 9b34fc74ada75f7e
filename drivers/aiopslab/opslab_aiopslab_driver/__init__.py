"""The opslab driver for AIOpsLab: one process plays one problem (driver protocol, version 1)."""
