"""The error that a command of infra ends with."""


class InfraError(Exception):
    """What went wrong and what to do about it, in words for whoever ran the command.

    ``python -m infra.aws`` and ``python -m infra.local`` print it without a traceback.
    """
