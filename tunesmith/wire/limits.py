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
MAX_BATCH_FILE_BYTES = 200 * 1024 * 1024
"""Size of a file of purpose `batch` (OpenAI's bound)."""
MAX_UPLOAD_BYTES = 8 * 1024**3
"""Size of a file that comes in parts (OpenAI's bound)."""
MAX_PART_BYTES = 64 * 1024 * 1024
"""Size of one part (OpenAI's bound)."""
MAX_PARTS = 10_000
"""Parts of one upload; parts of 1 MB fill the largest one."""
MAX_SPARE_PART_BYTES = 8 * MAX_PART_BYTES
"""What the parts of one upload may hold beyond its size: parts sent again after a lost answer."""
BODY_PACE_BYTES = 1024 * 1024
"""A streamed body is awaited piece by piece: each of this size, or the rest, must come in time…"""
BODY_PACE_S = 60.0
"""…namely within so many seconds of waiting (together: 17 kB/s at least)."""
MAX_MIME_TYPE_CHARS = 255
MAX_FORM_BYTES = 256 * 1024
"""Everything of a multipart body that is not the file itself."""
MAX_FORM_PARTS = 32
MAX_FILENAME_CHARS = 512

# -- lists ------------------------------------------------------------------------------------------
MAX_FILES_PER_PAGE = 10_000
MAX_ROWS_PER_PAGE = 1000
"""Jobs, events and checkpoints of one page."""
DEFAULT_JOBS_PER_PAGE = 20
MAX_FILE_ROWS_PER_PAGE = 100
DEFAULT_FILE_ROWS_PER_PAGE = 20
MAX_METRIC_STEPS = 100_000
"""Steps of one answer of a job's metrics."""
MAX_SEARCH_CHARS = 200
"""`q` of lists."""
DEFAULT_CHECKPOINTS_PER_PAGE = 10

# -- organization -----------------------------------------------------------------------------------
MAX_NAME_CHARS = 128
"""Names of projects, keys and service accounts."""
MAX_KEY_LIFETIME_S = 10 * 366 * 24 * 3600
DEFAULT_ORGANIZATION_ROWS_PER_PAGE = 20
MAX_ORGANIZATION_ROWS_PER_PAGE = 100
"""Projects, keys and service accounts of one page (OpenAI's bounds)."""
MAX_FILTER_VALUES = 100
"""Values of one filter of a usage report."""

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
MAX_LEARNING_RATE_MULTIPLIER = 1e6
"""Far above what any training survives; OpenAI publishes no bound."""
MAX_TAGS = 50
"""Tags of one Weights and Biases run."""
MAX_TAG_CHARS = 64
MAX_IDEMPOTENCY_KEY_CHARS = 255
DEFAULT_PERMISSIONS_PER_PAGE = 10
MAX_PROJECTS_PER_GRANT = 100
MAX_PROJECT_ID_CHARS = 128
MIN_FILE_LIFETIME_S = 3600
MAX_FILE_LIFETIME_S = 30 * 24 * 3600
BATCH_FILE_LIFETIME_S = 30 * 24 * 3600
"""What a file of purpose `batch` gets where its upload says nothing (OpenAI's)."""
UPLOAD_LIFETIME_S = 3600
"""How long an upload takes parts (OpenAI's)."""

# -- webhooks ---------------------------------------------------------------------------------------
MAX_WEBHOOK_ENDPOINTS = 100
"""Endpoints of one project."""
MAX_WEBHOOK_ENDPOINTS_PER_PAGE = 100
MAX_WEBHOOK_NAME_CHARS = 256
MAX_WEBHOOK_URL_CHARS = 2048

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
MAX_SAFETY_IDENTIFIER_CHARS = 128
MAX_CALLS_PER_ANSWER = 128
"""Tool calls of one message (OpenAI's bound for messages in requests)."""
MAX_STORED_PER_PAGE = 100
DEFAULT_STORED_PER_PAGE = 20

# -- schemas with `strict: true` (OpenAI's bounds) ---------------------------------------------------
MAX_SCHEMA_PROPERTIES = 5000
MAX_SCHEMA_LEVELS = 10
MAX_SCHEMA_ENUM_VALUES = 1000
MAX_SCHEMA_CHARS = 120_000
"""Names of properties and definitions, enum and const values, together."""
MANY_ENUM_VALUES = 250
MAX_LONG_ENUM_CHARS = 15_000
"""Characters of an enum that has more than `MANY_ENUM_VALUES` values."""

# -- embeddings (OpenAI's bounds) --------------------------------------------------------------------
MAX_EMBEDDING_INPUTS = 2048
MAX_EMBEDDING_TOKENS = 300_000
"""Tokens of all inputs of one request together."""

# -- batches ----------------------------------------------------------------------------------------
MAX_BATCH_BYTES = 200 * 1024 * 1024
"""Size of a batch's input file (OpenAI's bound)."""
MAX_BATCH_LINES = 50_000
"""Requests of one batch, and inputs of one batch of embeddings (OpenAI's bounds)."""
MAX_CUSTOM_ID_CHARS = 512
MAX_BATCH_FAULTS_SHOWN = 100
"""Faults of an input file that a failed batch lists one by one."""
BATCH_WINDOW_S = 24 * 3600
"""What `completion_window` "24h" means."""
DEFAULT_BATCHES_PER_PAGE = 20
MAX_BATCHES_PER_PAGE = 100

# -- responses --------------------------------------------------------------------------------------
MAX_RESPONSE_INPUT_ITEMS = 4096
"""Items of one request's `input`."""
MAX_CONVERSATION_ITEMS_AT_ONCE = 20
"""Items that one request adds to a conversation (OpenAI's bound)."""
MAX_ITEM_ID_CHARS = 64
"""Ids of items and of calls (OpenAI's bound)."""
MIN_OUTPUT_TOKENS = 16
"""`max_output_tokens` (OpenAI's bound)."""
DEFAULT_ITEMS_PER_PAGE = 20
MAX_ITEMS_PER_PAGE = 100
"""Items of one page (OpenAI's bounds)."""

# -- moderations ------------------------------------------------------------------------------------
MAX_MODERATION_INPUTS = 1024
"""Texts of one request, or parts of its one text."""
MAX_MODERATION_TOKENS = 300_000
"""Tokens of all texts of one request together; the model's context bounds each one."""
