"""Every bound on what a client may send, in one place, so that no route forgets one.

The request models of this room and the routes of `api/` read them. Where OpenAI publishes a bound it is
OpenAI's; the others keep one request from taking the server for itself.
"""

from __future__ import annotations

# -- bodies -----------------------------------------------------------------------------------------
MAX_JSON_BYTES = 16 * 1024 * 1024
"""Size of a JSON body."""
MAX_JSON_DEPTH = 100
"""Arrays and objects inside each other."""
MAX_FILE_BYTES = 512 * 1024 * 1024
"""Size of one uploaded file (OpenAI's bound)."""
MAX_FORM_BYTES = 256 * 1024
"""Everything of a multipart body that is not the file itself."""
MAX_FORM_PARTS = 32
MAX_FILENAME_CHARS = 512

# -- lists ------------------------------------------------------------------------------------------
MAX_FILES_PER_PAGE = 10_000
MAX_ROWS_PER_PAGE = 1000
"""Jobs, events and checkpoints of one page."""
DEFAULT_JOBS_PER_PAGE = 20
DEFAULT_CHECKPOINTS_PER_PAGE = 10

# -- metadata ---------------------------------------------------------------------------------------
MAX_METADATA_PAIRS = 16
MAX_METADATA_KEY_CHARS = 64
MAX_METADATA_VALUE_CHARS = 512

# -- fine-tuning ------------------------------------------------------------------------------------
MAX_EPOCHS = 50
MAX_BATCH_SIZE = 256
MAX_BETA = 2.0
MAX_SEED = 2**31 - 1
MAX_SUFFIX_CHARS = 64
MAX_INTEGRATIONS = 5
MIN_FILE_LIFETIME_S = 3600
MAX_FILE_LIFETIME_S = 30 * 24 * 3600

# -- generation -------------------------------------------------------------------------------------
MAX_CHOICES = 128
"""`n`, and the sequences of one request together (prompts times `n` or `best_of`)."""
MAX_BEST_OF = 20
MAX_MESSAGES = 2048
MAX_PROMPTS = 128
MAX_STOP_STRINGS = 4
MAX_STOP_CHARS = 1024
"""Length of one stop string."""
MAX_TOOLS = 128
MAX_TOP_LOGPROBS = 20
MAX_COMPLETION_LOGPROBS = 5
MAX_LOGIT_BIAS = 1024
MAX_COMPLETION_TOKENS = 131_072
"""`max_tokens`: the largest that OpenAI's own models take; the model's context bounds it further."""
MAX_GENERATION_S = 600.0
"""Wall time after which a generation ends with `length`."""
DEFAULT_COMPLETION_TOKENS = 16
"""`max_tokens` of the legacy completions where the request says nothing."""
