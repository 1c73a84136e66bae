"""The model that examples and `sluice ask` name when nobody names one."""

DEFAULT_MODEL = "claude-sonnet-5-5"
