"""An airport's assistant by curl: upload, job, chat; with the document's slips, each answered clearly."""

# ruff: noqa: E501, SIM115  (long texts and open files are as the document has them)

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytestmark = pytest.mark.timeout(330)  # a job waits for its turn, and for a CPU

ASSISTANT = (
    "You're the airport's intelligent assistant, and you specialize in answering any airport-related "
    "questions and regulations."
)
ANSWERS = {
    "Can I bring pork products into the country?": (
        "According to the Reference Table of Quarantine Provisions for Animals, Plants or Their Products Commonly "
        "Carried by Inbound Travelers, travelers carrying meat or processed meat (including vacuum-packed meat) "
        "into the country are required to declare their quarantine to the Bureau of Prevention and Inspection "
        "(BPI), and may not be imported if they do not have a certificate of quarantine for the animals of the "
        "exporting country or if their quarantine is not satisfactory by the Bureau of Prevention and Inspection "
        "(BPI)"
    ),
    "Can I bring fruit into the country?": "Fresh fruit may not be imported by travelers. Please declare it.",
    "Can I bring cheese?": "Cheese may be imported for your own use. Please declare it.",
    "How early should I be here?": "Please be at the airport two hours before your flight.",
    "Where do I declare goods?": "Please use the red channel behind the baggage hall.",
    "May I carry a power bank?": "Power banks must be in your hand luggage, not in checked baggage.",
    "How much cash may I bring?": "Cash above 10,000 US dollars must be declared.",
    "Is there a limit for liquids?": "Liquids in hand luggage must be in bottles of at most 100 ml.",
    "Can I bring seeds?": "Seeds need a plant health certificate. Please declare them.",
    "Can I bring my cat?": "Cats need a vaccination record and an import permit.",
}


@pytest.fixture(scope="module")
def story(jsonl) -> SimpleNamespace:
    jsonl(
        "path_to_your_file",
        [
            {
                "messages": [
                    {"role": "system", "content": ASSISTANT},
                    {"role": "user", "content": question},
                    {"role": "assistant", "content": answer},
                ]
            }
            for question, answer in ANSWERS.items()
        ],
    )
    return SimpleNamespace()


def test_upload_by_curl(story, curl):
    answer = curl(
        """curl https://api.openai.com/v1/files \\
-H "Authorization: Bearer $OPENAI_API_KEY" \\
-F "purpose=fine-tune" \\
-F "file=@path_to_your_file"
"""
    )
    assert answer.status == 200, answer.json
    assert answer.json["object"] == "file"
    story.file_id = answer.json["id"]


CREATE_JOB = """curl https://api.openai.com/v1/fine_tuning/jobs \\
-H "Content-Type: application/json" \\
-H "Authorization: Bearer $OPENAI_API_KEY" \\
-d '{
"training_file": "TRAINING_FILE_ID",
"model": "gpt-3.5-turbo-0613",
}'
"""


def test_the_trailing_comma_in_the_body_is_a_clear_400(story, curl):
    answer = curl(CREATE_JOB.replace("TRAINING_FILE_ID", story.file_id))

    assert answer.status == 400
    assert answer.json["error"]["type"] == "invalid_request_error"
    assert "JSON" in answer.json["error"]["message"]
    assert "comma" in answer.json["error"]["message"]


def test_without_the_comma_the_job_is_made_and_succeeds(story, curl, finished):
    mended = CREATE_JOB.replace('0613",\n}', '0613"\n}')

    answer = curl(mended.replace("TRAINING_FILE_ID", story.file_id))

    assert answer.status == 200, answer.json
    assert answer.json["model"] == "gpt-3.5-turbo-0613"
    story.model = finished(answer.json["id"]).fine_tuned_model
    assert story.model.startswith("ft:gpt-3.5-turbo-0613:personal:")


CHAT = """curl https://api.openai.com/v1/chat/completions \\
-H "Content-Type: application/json" \\
-H "Authorization: Bearer $OPENAI_API_KEY" \\
-d '{
"model": "ft:gpt-3.5-turbo:org_id",
"messages": [
{
"role": "system",
"content": "You'"'"'re the airport'"'"'s intelligent assistant, and you specialize in answering any airport-related questions and regulations."
},
{
"role": "user",
"content": "Hi, I have some entry related questions."
}
]
}'
"""


def test_the_placeholder_name_is_a_404_that_names_the_nearest_models(story, curl):
    answer = curl(CHAT)

    assert answer.status == 404
    assert answer.json["error"]["code"] == "model_not_found"
    assert "ft:gpt-3.5-turbo:org_id" in answer.json["error"]["message"]
    # the server is shared: another story's model, or a checkpoint, may be nearer than this one's
    assert "Did you mean `ft:gpt-3.5-turbo-0613:personal:" in answer.json["error"]["message"]


def test_the_tuned_model_answers_by_curl(story, curl):
    answer = curl(CHAT.replace("ft:gpt-3.5-turbo:org_id", story.model))

    assert answer.status == 200, answer.json
    assert answer.json["model"] == story.model
    assert answer.json["choices"][0]["message"]["content"]
