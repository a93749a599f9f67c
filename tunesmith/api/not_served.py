"""What OpenAI's clients can ask for and this server does not serve: one table of paths with reasons.

Each path answers 404 in the one error shape, code `not_served`, with the reason and what to do instead. 404
because no client repeats it, and because a program that probes for a feature reads it as "not here". A path
that the server does serve is never in the table; documentation is made from it too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request

from tunesmith.errors import NotFound

METHODS = ("GET", "POST", "DELETE")
"""All that OpenAI's clients use."""


@dataclass(frozen=True)
class NotServed:
    """Paths that are not served, for one reason."""

    paths: tuple[str, ...]
    """Below `/v1`; `{name}` is one part of a path, and `/*` at the end everything below as well."""
    reason: str
    instead: str
    methods: tuple[str, ...] = METHODS

    def routes(self) -> Iterator[str]:
        """The paths as the router knows them."""
        for path in self.paths:
            if path.endswith("/*"):
                yield f"/v1{path[:-2]}"
                yield f"/v1{path[:-1]}{{rest:path}}"
            else:
                yield f"/v1{path}"

    def sentence(self, method: str, path: str) -> str:
        """What the client reads."""
        return f"This server does not serve {method} {path[:200]}. {self.reason} {self.instead}"


TABLE: tuple[NotServed, ...] = (
    # -- models of other kinds --
    NotServed(
        ("/images/*", "/videos/*"),
        "Its models read and write text only.",
        "Ask a service with an image or video model.",
    ),
    NotServed(
        ("/audio/*",),
        "Its models read and write text only.",
        "Transcribe or speak with a program of your own, and send the text to POST /v1/chat/completions.",
    ),
    NotServed(
        ("/realtime/*", "/live/*"),
        "Its models neither hear nor speak, and no WebSocket is open here.",
        'Use POST /v1/chat/completions or /v1/responses with "stream": true.',
    ),
    NotServed(
        ("/content_provenance_checks",),
        "It has no detector of generated images or sound.",
        "Ask the service that made the content.",
    ),
    # -- what a model is surrounded with --
    NotServed(
        ("/assistants/*", "/threads/*"),
        "Assistants and their threads are not here; OpenAI's own clients mark them as deprecated.",
        "Use POST /v1/responses, whose previous_response_id goes on with a conversation, or "
        "POST /v1/chat/completions.",
    ),
    NotServed(
        ("/responses/compact",),
        "A compacted conversation can be read by the service alone that made it.",
        "'truncation': 'auto' drops the oldest items of one that is too long; to keep what they say, ask the "
        "model for a summary and send it as 'input'.",
        ("POST",),
    ),
    NotServed(
        ("/vector_stores/*",),
        "It has no index of documents and no file search.",
        "Search with a store of your own over POST /v1/embeddings, and put what it finds into the messages.",
    ),
    NotServed(
        ("/containers/*", "/skills/*"),
        "It runs no code for a model, so there are no containers and no skills.",
        "Give the model a function tool and run the code where you call it.",
    ),
    NotServed(
        ("/agents/*", "/vaults/*", "/decisions", "/chatkit/*"),
        "It hosts no agents, their secrets, decisions or chat sessions.",
        "Run the agent in a program of your own, over POST /v1/responses or POST /v1/chat/completions.",
    ),
    NotServed(
        ("/evals/*",),
        "Evals and their runs are not served yet.",
        "Ask POST /v1/chat/completions or a batch for the answers, and judge them in a program of your own.",
    ),
    NotServed(
        ("/fine_tuning/alpha/graders/*",),
        "Graders are not served yet, and neither is reinforcement fine-tuning, which needs them.",
        "Judge answers in a program of your own; to train on its verdicts, use POST /v1/fine_tuning/jobs "
        "with the method 'supervised' (the good answers) or 'dpo' (pairs of a better and a worse one).",
    ),
    NotServed(
        ("/safety/*",),
        "It watches nobody's requests, so there are no safety cases and alerts.",
        "Look through stored completions with GET /v1/chat/completions.",
    ),
    # -- the organization --
    NotServed(
        ("/organization/audit_logs",),
        "It keeps no audit log in OpenAI's form.",
        "The server's own log has each request with its key's id, one JSON object a line.",
        ("GET",),
    ),
    NotServed(
        (
            "/organization/certificates/*",
            "/organization/projects/{project_id}/certificates/*",
            "/organization/workload_identity_providers/*",
        ),
        "Keys are the only way in: there are no client certificates and no workload identities.",
        "Ask for client certificates in the TLS proxy in front of the server.",
    ),
    NotServed(
        (
            "/organization/data_retention",
            "/organization/projects/{project_id}/data_retention",
            "/organization/external_keys/*",
            "/organization/external_storage/*",
        ),
        "All data lies in the server's own data folder and nowhere else, until it is deleted.",
        "Encrypt and back up that folder's disk; delete objects, or give files expires_after.",
    ),
    NotServed(
        (
            "/organization/groups/*",
            "/organization/roles/*",
            "/organization/users/{user_id}/roles/*",
            "/organization/projects/{project_id}/groups/*",
            "/projects/{project_id}/groups/{group_id}/roles/*",
            "/projects/{project_id}/roles/*",
            "/projects/{project_id}/users/{user_id}/roles/*",
        ),
        "There are no groups and roles: a key belongs to one project, or is an admin key.",
        "Give each team a project of its own, with keys of its own.",
    ),
    NotServed(
        ("/organization/invites/*", "/organization/users/*", "/organization/projects/{project_id}/users/*"),
        "There are no user accounts: whoever holds a key may use it.",
        "Make a service account in the project for each person or program, and hand out its key.",
    ),
    NotServed(
        (
            "/organization/projects/{project_id}/hosted_tool_permissions",
            "/organization/projects/{project_id}/model_permissions",
            "/organization/projects/{project_id}/service_tier_settings",
        ),
        "Every project may use every base model and its own tuned models; there are no hosted tools and no "
        "tiers.",
        "Serve a base model that only some may use from a server of its own.",
    ),
    NotServed(
        (
            "/organization/spend_alerts/*",
            "/organization/spend_limit",
            "/organization/projects/{project_id}/spend_alerts/*",
            "/organization/projects/{project_id}/spend_limit",
        ),
        "Nothing is charged here, so no spending can be limited or announced.",
        "Limit requests and tokens with "
        "POST /v1/organization/projects/{project_id}/rate_limits/{rate_limit_id}.",
    ),
)


def _refusal(entry: NotServed) -> Callable[[Request], Awaitable[None]]:
    async def refuse(request: Request) -> None:
        raise NotFound(entry.sentence(request.method, request.url.path), code="not_served")

    return refuse


router = APIRouter(include_in_schema=False)
"""To be included after every other router: what they serve comes first."""
for _entry in TABLE:
    for _path in _entry.routes():
        router.add_api_route(_path, _refusal(_entry), methods=list(_entry.methods), response_model=None)
