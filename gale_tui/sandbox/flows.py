"""What the sample tools consist of: their flows, guardrails and variables, from which the zips are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

__all__ = ["REVISIONS", "Flow", "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a flow."""

    kind: str
    """start, genAI, condition, api, function, docSearch, human, delay, loop, imageToText, textToSpeech or end."""
    name: str
    text: str = ""
    """A prompt, a condition, a URL, a script: what this kind of step runs on."""
    model: str = ""
    temperature: float = 0.2
    timeout: int = 60
    """Seconds."""
    goes_to: Mapping[str, int] | None = None
    """Number of the next step for each result; the following step where it is not given."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A tool as an export has it."""

    name: str
    description: str
    variables: Mapping[str, str]
    guardrails: tuple[str, ...]
    nodes: tuple[Node, ...]
    version: str = "1.4.0"
    """Of the tool; it need not change with every edit."""


REVISIONS: Final = (
    "Answer in at most three sentences.",
    "If you are not sure, say so and offer to connect the person to a colleague.",
    "Quote amounts with their currency and dates as day, month, year.",
    "Never repeat account numbers back in full.",
)
"""What each later version of a tool adds to its first prompt."""

BANKING: Final = Flow(
    "Banking Assistant",
    "Answers questions about balances, cards and transfers, and hands over to a person when asked.",
    {
        "CORE_BANKING_URL": "https://core.bank.example/api/v2",
        "CARD_SERVICE_URL": "https://cards.bank.example/v1",
        "CURRENCY": "EUR",
        "DAILY_TRANSFER_LIMIT": "2500",
        "SUPPORT_QUEUE": "retail-banking",
    },
    ("Toxicity", "Prompt injection", "PII anonymisation", "Banned topics: investment advice"),
    (
        Node("start", "Start"),
        Node(
            "genAI",
            "Classify request",
            "You sort the requests of a bank's customers. Read {{context.input.utterance}} and answer with exactly one "
            "of: balance, card, transfer, other. If several fit, choose the one that moves money.",
            "gpt-4o-mini",
            0.0,
            20,
        ),
        Node(
            "condition",
            "Which request",
            "{{context.steps.Classify request.output}}",
            goes_to={
                "balance": 4,
                "card": 6,
                "transfer": 8,
                "other": 11,
            },
        ),
        Node(
            "api",
            "Read balance",
            "GET {{env.CORE_BANKING_URL}}/accounts/{{context.input.accountId}}/balance",
            "",
            0,
            10,
        ),
        Node(
            "genAI",
            "Word the balance",
            "Tell the customer the balance {{context.steps.Read balance.body.amount}} "
            "{{env.CURRENCY}} in one friendly sentence. Do not guess pending payments.",
            "gpt-4o-mini",
            0.3,
            goes_to={"default": 12},
        ),
        Node("api", "Card state", "GET {{env.CARD_SERVICE_URL}}/cards/{{context.input.cardId}}", "", 0, 10),
        Node(
            "human",
            "Confirm card block",
            "Ask: Shall I block the card ending in {{context.steps.Card state.body.last4}}?",
            "",
            0,
            300,
            goes_to={"approved": 12, "declined": 11},
        ),
        Node(
            "function",
            "Check transfer limit",
            "return Number(input.amount) <= Number(env.DAILY_TRANSFER_LIMIT);",
            "",
            0,
            5,
        ),
        Node(
            "condition",
            "Within limit",
            "{{context.steps.Check transfer limit.output}} == true",
            goes_to={"true": 10, "false": 11},
        ),
        Node(
            "api",
            "Create transfer draft",
            "POST {{env.CORE_BANKING_URL}}/transfers?draft=true",
            "",
            0,
            15,
            goes_to={"default": 12},
        ),
        Node(
            "human", "Hand over", "Queue {{env.SUPPORT_QUEUE}}, with a summary of the conversation so far.", "", 0, 600
        ),
        Node("end", "Reply"),
    ),
)

LEAVE: Final = Flow(
    "Leave Bot",
    "Takes requests for leave, checks them against the rules of the country and files them for approval.",
    {"HR_API": "https://hr.example/api", "POLICY_INDEX": "leave-policies-2026", "APPROVAL_REMINDER_HOURS": "24"},
    ("Toxicity", "PII anonymisation", "Bias"),
    (
        Node("start", "Start"),
        Node(
            "genAI",
            "Extract dates",
            "From {{context.input.utterance}} extract the first day, the last day and the kind of "
            "leave as JSON with the keys from, to and kind. Today is {{context.system.date}}.",
            "claude-3-5-haiku",
            0.0,
            30,
        ),
        Node("function", "Count working days", "return workingDays(input.from, input.to, input.country);", "", 0, 5),
        Node("api", "Leave account", "GET {{env.HR_API}}/employees/{{context.input.employeeId}}/leave", "", 0, 15),
        Node(
            "condition",
            "Enough days left",
            "{{context.steps.Leave account.body.left}} >= {{context.steps.Count working days.output}}",
            goes_to={"true": 6, "false": 11},
        ),
        Node(
            "docSearch",
            "Find policy",
            "Index {{env.POLICY_INDEX}}, five passages, query: {{context.steps.Extract dates.kind}} "
            "leave in {{context.input.country}}",
            "",
            0,
            25,
        ),
        Node(
            "genAI",
            "Check policy",
            "Given the passages {{context.steps.Find policy.output}}, say whether this leave needs a "
            "certificate, a substitute or notice, each with the sentence it follows from.",
            "claude-3-5-sonnet",
            0.1,
            90,
        ),
        Node(
            "human",
            "Approval",
            "Approver: {{context.input.managerId}}. Reminder after {{env.APPROVAL_REMINDER_HOURS}} hours.",
            "",
            0,
            86400,
            goes_to={"approved": 9, "declined": 11},
        ),
        Node("api", "File leave", "POST {{env.HR_API}}/leave", "", 0, 15),
        Node(
            "genAI",
            "Confirm",
            "Confirm the leave in one sentence and name the days it costs.",
            "claude-3-5-haiku",
            0.4,
            30,
            goes_to={"default": 12},
        ),
        Node(
            "genAI",
            "Decline kindly",
            "Explain in two sentences why the leave was not filed and what would help.",
            "claude-3-5-haiku",
            0.4,
            30,
        ),
        Node("end", "Reply"),
    ),
)

_TODAY: Final = "Today is {{context.system.date}}."
LEAVE_EDITED: Final = replace(
    LEAVE,
    nodes=tuple(
        replace(node, text=node.text.replace(_TODAY, f"{_TODAY} A day without a year is the next one to come."))
        for node in LEAVE.nodes
    ),
)
"""Somebody has edited a prompt of the Leave Bot, and nothing else."""
LEAVE_RELEASED: Final = replace(
    LEAVE_EDITED,
    version="1.5.0",
    description="Takes requests for leave in everyday words, checks them against the rules of the country and files "
    "them for approval.",
)
"""The edited Leave Bot has become a version of its own."""

CLAIMS: Final = Flow(
    "Claims Triage",
    "Reads first notices of loss, judges how urgent each is and routes it.",
    {"CLAIMS_API": "https://claims.insurer.example/v3", "URGENT_QUEUE": "claims-urgent", "FRAUD_THRESHOLD": "0.82"},
    ("Prompt injection", "PII anonymisation", "Regular expressions: IBAN"),
    (
        Node("start", "Start"),
        Node(
            "imageToText",
            "Read photographs",
            "Describe visible damage, plate numbers and dates on each photograph.",
            "gpt-4o",
            0.0,
            120,
        ),
        Node("loop", "Each attachment", "{{context.input.attachments}}", "", 0, 300),
        Node(
            "genAI",
            "Summarise claim",
            "Summarise the claim in five sentences: what, where, when, who, how bad.",
            "",
            0.2,
            60,
        ),
        Node(
            "genAI",
            "Judge urgency",
            "Answer low, normal or urgent. Injured people or running water are always urgent.",
            "gpt-4o",
            0.0,
            30,
        ),
        Node("function", "Fraud score", "return model.score(claim.features);", "", 0, 10),
        Node(
            "condition",
            "Suspicious",
            "{{context.steps.Fraud score.output}} > {{env.FRAUD_THRESHOLD}}",
            goes_to={"true": 8, "false": 9},
        ),
        Node("human", "Investigator", "Assign to the investigation team with all attachments.", "", 0, 86400),
        Node(
            "condition",
            "Urgent",
            "{{context.steps.Judge urgency.output}} == 'urgent'",
            goes_to={"true": 10, "false": 11},
        ),
        Node("api", "Page on-call adjuster", "POST {{env.CLAIMS_API}}/queues/{{env.URGENT_QUEUE}}", "", 0, 10),
        Node("api", "File claim", "POST {{env.CLAIMS_API}}/claims", "", 0, 20),
        Node("end", "Reply"),
    ),
)

ORDERS: Final = Flow(
    "Order Tracker",
    "Tells customers where their parcel is and arranges another delivery.",
    {"SHOP_API": "https://shop.example/api", "CARRIER_API": "https://carrier.example/track", "MAX_REDELIVERIES": "2"},
    ("Toxicity", "Banned words: competitors"),
    (
        Node("start", "Start"),
        Node(
            "genAI",
            "Find order number",
            "Extract the order number from {{context.input.utterance}}; answer none if there is none.",
            "gpt-4o-mini",
            0.0,
            15,
        ),
        Node(
            "condition",
            "Number found",
            "{{context.steps.Find order number.output}} != 'none'",
            goes_to={"true": 5, "false": 4},
        ),
        Node(
            "human", "Ask for number", "Which order is it? It begins with SO- and is in your confirmation.", "", 0, 600
        ),
        Node("api", "Order", "GET {{env.SHOP_API}}/orders/{{context.order}}", "", 0, 10),
        Node("loop", "Each parcel", "{{context.steps.Order.body.parcels}}", "", 0, 60),
        Node("api", "Track parcel", "GET {{env.CARRIER_API}}/{{loop.item.trackingId}}", "", 0, 10),
        Node(
            "genAI",
            "Explain state",
            "Put the carrier's events into one sentence that a hurried person understands.",
            "mistral-small",
            0.5,
            30,
        ),
        Node(
            "condition",
            "Missed delivery",
            "{{context.steps.Track parcel.body.state}} == 'missed'",
            goes_to={"true": 10, "false": 12},
        ),
        Node("function", "Redeliveries left", "return env.MAX_REDELIVERIES - parcel.redeliveries;", "", 0, 5),
        Node("api", "Book redelivery", "POST {{env.CARRIER_API}}/redeliveries", "", 0, 15),
        Node("end", "Reply"),
    ),
)

POLICIES: Final = Flow(
    "Policy Library",
    "Answers questions about company policies and quotes the paragraph; carries its library with it.",
    {"INDEX_NAME": "company-policies", "PASSAGES": "8", "ANSWER_LANGUAGE": "en"},
    ("Toxicity", "Prompt injection", "Grounding"),
    (
        Node("start", "Start"),
        Node(
            "genAI",
            "Rewrite question",
            "Rewrite the question so that it stands alone, without pronouns.",
            "gpt-4o-mini",
            0.0,
            20,
        ),
        Node("docSearch", "Search library", "Index {{env.INDEX_NAME}}, {{env.PASSAGES}} passages", "", 0, 30),
        Node("function", "Drop duplicates", "return unique(passages, p => p.paragraph);", "", 0, 5),
        Node(
            "condition",
            "Anything found",
            "{{context.steps.Drop duplicates.output.length}} > 0",
            goes_to={"true": 6, "false": 10},
        ),
        Node(
            "genAI",
            "Answer",
            "Answer from the passages alone, in {{env.ANSWER_LANGUAGE}}. After each statement give the "
            "paragraph in brackets.",
            "claude-3-5-sonnet",
            0.1,
            120,
        ),
        Node(
            "genAI",
            "Check grounding",
            "For each statement say supported or not supported by the passages.",
            "gpt-4o",
            0.0,
            60,
        ),
        Node(
            "condition",
            "Grounded",
            "{{context.steps.Check grounding.output}} == 'supported'",
            goes_to={"true": 12, "false": 9},
        ),
        Node(
            "genAI",
            "Answer again",
            "Remove every statement that is not supported.",
            "claude-3-5-sonnet",
            0.0,
            120,
            goes_to={"default": 12},
        ),
        Node(
            "genAI",
            "Say nothing found",
            "Say that the library has nothing on this and name the policy owner.",
            "gpt-4o-mini",
            0.3,
            20,
        ),
        Node("delay", "Pause", "2 seconds", "", 0, 5),
        Node("end", "Reply"),
    ),
)

INVOICES: Final = Flow(
    "Invoice Reader",
    "Reads invoices that arrive as pictures and books them after a check.",
    {"ERP_URL": "https://erp.example/odata", "TOLERANCE": "0.02", "VAT_IDS": "vat-registry"},
    ("PII anonymisation", "Prompt injection"),
    (
        Node("start", "Start"),
        Node(
            "imageToText",
            "Read pages",
            "Transcribe every line item with quantity, price and tax rate.",
            "gpt-4o",
            0.0,
            180,
        ),
        Node(
            "genAI",
            "Structure",
            "Turn the transcript into the invoice schema; leave unknown fields null.",
            "gpt-4o",
            0.0,
            60,
        ),
        Node("function", "Add up", "return sum(items) - total;", "", 0, 5),
        Node(
            "condition",
            "Sums agree",
            "abs({{context.steps.Add up.output}}) <= {{env.TOLERANCE}}",
            goes_to={"true": 7, "false": 6},
        ),
        Node("human", "Correct by hand", "Show the page beside the fields that disagree.", "", 0, 86400),
        Node("api", "Check VAT id", "GET {{env.ERP_URL}}/{{env.VAT_IDS}}/{{context.invoice.vatId}}", "", 0, 20),
        Node("api", "Find purchase order", "GET {{env.ERP_URL}}/orders?number={{context.invoice.order}}", "", 0, 20),
        Node(
            "genAI",
            "Match lines",
            "Match invoice lines to order lines by meaning and report differences.",
            "gpt-4o-mini",
            0.1,
            60,
        ),
        Node(
            "condition", "Matched", "{{context.steps.Match lines.differences}} == 0", goes_to={"true": 11, "false": 6}
        ),
        Node("api", "Book invoice", "POST {{env.ERP_URL}}/invoices", "", 0, 30),
        Node("end", "Done"),
    ),
)

SUPPORT: Final = Flow(
    "Support Copilot",
    "Drafts replies for support staff from past tickets and the handbook.",
    {"TICKET_API": "https://tickets.example/v2", "HANDBOOK_INDEX": "handbook", "TONE": "plain, warm, brief"},
    ("Toxicity", "Bias", "PII anonymisation"),
    (
        Node("start", "Start"),
        Node("api", "Load ticket", "GET {{env.TICKET_API}}/tickets/{{context.input.ticketId}}", "", 0, 10),
        Node(
            "genAI",
            "Name the problem",
            "Say in one sentence what the customer wants and in one what went wrong.",
            "claude-3-5-haiku",
            0.1,
            30,
        ),
        Node("docSearch", "Similar tickets", "Index tickets-solved, ten passages", "", 0, 20),
        Node("docSearch", "Handbook", "Index {{env.HANDBOOK_INDEX}}, four passages", "", 0, 20),
        Node(
            "genAI",
            "Draft reply",
            "Draft a reply. Tone: {{env.TONE}}. Promise nothing that the handbook does not.",
            "claude-3-5-sonnet",
            0.6,
            90,
        ),
        Node(
            "genAI",
            "Check promises",
            "List every promise in the draft and the handbook passage that allows it.",
            "gpt-4o",
            0.0,
            60,
        ),
        Node(
            "condition",
            "All allowed",
            "{{context.steps.Check promises.missing}} == 0",
            goes_to={"true": 10, "false": 9},
        ),
        Node(
            "genAI",
            "Tone down",
            "Rewrite the draft without the promises that are not allowed.",
            "claude-3-5-sonnet",
            0.3,
            90,
        ),
        Node("human", "Agent review", "The draft, editable, with its sources beside it.", "", 0, 3600),
        Node("textToSpeech", "Read aloud", "Only for phone tickets.", "tts-1", 0, 60),
        Node("end", "Send"),
    ),
)
