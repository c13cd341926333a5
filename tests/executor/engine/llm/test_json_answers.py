"""JSON in answers: text around it is ignored, misfits are reported."""

from __future__ import annotations

import pytest

from executor.engine.llm.base import ErrorKind, ModelError
from tests.executor.engine.llm.conftest import asking_for, model_at
from tests.model_server import ModelServer, says

SCHEMA = {
    "type": "object",
    "properties": {"route": {"enum": ["billing", "sales"]}},
    "required": ["route"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ('{"route": "spam"}', 'at route: "spam" is not one of "billing", "sales".'),
        ("{}", '"route" is a required property.'),
        ('{"route": "sales", "x": 1}', "Additional properties are not allowed"),
        ("Sales, I think.", '(it begins with "Sales, I think."): This is not JSON: '),
        ('{"route": "sales"', "could not be read as JSON (it begins with "),
        ('{"route": NaN}', "): NaN is not a JSON number."),
        ('{"route": "a\\u0000"}', "cannot be stored."),
        ("[" * 100_000, "nested"),
    ],
)
async def test_an_answer_that_does_not_fit_is_refused_with_the_reason(
    server: ModelServer, answer: str, sentence: str
) -> None:
    server.then(says(answer, tokens=(40, 2)))
    with pytest.raises(ModelError) as caught:
        await model_at(server).complete(asking_for(schema=SCHEMA))
    assert caught.value.kind is ErrorKind.CONTENT
    assert sentence in caught.value.message
    # It was paid for all the same.
    assert caught.value.spent is not None
    assert (caught.value.spent.text, caught.value.spent.input_tokens) == (answer, 40)


@pytest.mark.parametrize(
    "answer",
    [
        '```json\n{"route": "sales"}\n```',
        '```JSON\n{"route": "sales"}\n```',
        '```jsonc title="x"\n{"route": "sales"}\n```\n',
        '```\n{"route": "sales"}```',
        '```{"route": "sales"}```',
        'Here is the JSON:\n```json\n{"route": "sales"}\n```\nI hope this helps!',
        '\ufeff{"route": "sales"}',
        '\ufeff```json\r\n{"route": "sales"}\r\n```',
        'Sure: {"route": "sales"} That is all.',
        '<think>{"route": "billing"}?</think>\n{"route": "sales"}',
    ],
)
async def test_what_stands_around_json_is_taken_off(server: ModelServer, answer: str) -> None:
    server.then(says(answer))
    assert (await model_at(server).complete(asking_for(schema=SCHEMA))).value == {"route": "sales"}


@pytest.mark.parametrize(
    "answer",
    [
        "{'route': 'sales'}",
        '{"route": "sales",}',
        '{"route": "sales"} // the best one',
        '{\n  // the best one\n  "route": "sales", // is this\n}',
        "```python\n{'route': 'sales',}\n```",
        '[{"route": "sales"}]',
        '"{\\"route\\": \\"sales\\"}"',
        'In the form {"route": …} it is {"route": "sales"}.',
    ],
)
async def test_slips_that_leave_no_doubt_cost_no_second_call(
    server: ModelServer, answer: str
) -> None:
    server.then(says(answer))
    assert (await model_at(server).complete(asking_for(schema=SCHEMA))).value == {"route": "sales"}


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ('{"text": "one\ntwo\tthree"}', "one\ntwo\tthree"),
        ("{'text': 'a \"b\" it\\'s, }'}", 'a "b" it\'s, }'),
        ('{"text": "it\'s // no comment, ]",}', "it's // no comment, ]"),
        ('{"text": "None, True",}', "None, True"),
    ],
)
async def test_texts_stay_as_they_are(server: ModelServer, raw: str, text: str) -> None:
    server.then(says(raw))
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    answer = await model_at(server).complete(asking_for(schema=schema))
    assert answer.value == {"text": text}


@pytest.mark.parametrize(
    "answer",
    [
        '{"route": "sales"} or {"route": "billing"}',
        '{"route": "Sales"}',
        '{"answer": {"route": "sales"}}',
        '[{"route": "sales"}, {"route": "billing"}]',
        "{'route': None}",
    ],
)
async def test_what_leaves_a_doubt_is_not_guessed(server: ModelServer, answer: str) -> None:
    server.then(says(answer))
    with pytest.raises(ModelError) as caught:
        await model_at(server).complete(asking_for(schema=SCHEMA))
    assert caught.value.kind is ErrorKind.CONTENT
