"""The errors a user can cause: one sentence each, saying what is wrong and what to do."""


class UserError(Exception):
    """Something the user can put right; its text is the whole message, shown without a traceback.

    Attributes:
        exit_code: what the command line ends with when this is the reason.
    """

    exit_code = 1


class UsageError(UserError):
    """The command was typed wrong, or cannot run where it was started (no terminal, an absent device)."""

    exit_code = 2


class DatasetError(UserError):
    """A data file is missing, damaged or not what its name says."""


class DatasetMissing(DatasetError):
    """None of the places searched holds the data set; a download may still get it."""


class ModelFileError(UserError):
    """A file is not a model or a checkpoint this program can load."""


class TeamBroken(UserError):
    """Processes that train together cannot go on; the sentence says which rank is why."""


_MEMORY_WORDS = (
    "DefaultCPUAllocator: can't allocate memory",
    "CUDA error: out of memory",  # of a launch: a graph takes some when it is first replayed
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device's or the machine's memory was full; told by name, since core knows no torch."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or any(words in str(error) for words in _MEMORY_WORDS)
    )
