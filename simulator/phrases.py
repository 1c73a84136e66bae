"""The sentences that answers are made of. `{main}` is the prompt's chief word, `{topic}` and `{other}` are others.

Only text: nothing here decides.
"""

from __future__ import annotations

STOP_WORDS = frozenset(
    """
    about above after again all also and any are because been before being below between both but can could did does
    doing down during each explain few for from further give had has have having hello her here hers him his how
    into its just let list make me more most much must name need not now off once one only other our out over own
    please same say she should show some such tell than that the their them then there these they thing this those
    through too two under until use using very was way were what when where which while who whom why will with word
    words works work would write you your
    answer better build code compare comparison create describe detail details difference differences essay example
    examples find function guide haiku help paragraph poem program python question recipe script sentence sentences
    bullet bullets point points set old year years three four five six seven eight nine ten paragraphs
    short shortly simple song steps story summarise summarize summary think verse verses versus
    """.split()  # noqa: SIM905 - a block of words reads better than a list of a hundred strings
)

GREETINGS = (" hi ", " hi!", " hi,", " hello", " hey ", " good morning", " good evening")

HELLOS = (
    "Hello! How can I help you today?",
    "Hi there! What would you like to talk about?",
    "Hello! It's good to hear from you. What's on your mind?",
)

OPENINGS = (
    "{main} rewards a closer look, because the obvious answer leaves out the part that matters in practice.",
    "The short version: {main} is simple in principle, and most of the work lies in the details.",
    "Good question. {main} makes more sense once you see what it is for.",
    "There are a few ways to look at {main}; I'll start with the one that is most useful.",
    "Let's take {main} one piece at a time, and then put the pieces together.",
)

TITLES = ("{main} in brief", "How to think about {main}", "{main}: what matters", "What {main} comes down to")

SECTIONS = ("{topic} in practice", "the limits of {topic}", "{topic}, seen from the outside", "what {topic} costs")

BODY = (
    "at its heart, {main} is about deciding what has to stay true while everything around it changes.",
    "people often start with {topic}, and that is a fine place to start as long as it is not the last stop.",
    "a small example says more than a definition here, so picture the simplest case of {topic} you can.",
    "what looks like a single idea is really two: what {main} promises, and what it needs in return.",
    "most surprises around {topic} come from an assumption that nobody wrote down.",
    "it helps to ask what would go wrong without {main}, and how soon you would notice.",
    "the connection between {main} and {other} is looser than it seems, which is good news.",
    "in practice the second attempt at {topic} is the good one, because the first shows where the edges are.",
    "none of this is exotic; it is ordinary care, applied early and in the right order.",
    "if you remember one thing about {topic}, let it be that small, reversible decisions beat large, clever ones.",
)

POINTS = (
    "**Start small.** A modest version of {topic} teaches more than a large plan.",
    "**Measure first.** Numbers about {main} settle most arguments.",
    "**Name things well.** Half of the confusion about {topic} is about words.",
    "**Expect change.** What is true of {other} today may not be next year.",
    "**Keep it visible.** When {topic} fails, it should fail loudly.",
    "**Ask who it is for.** {main} looks different from the other side.",
    "**Leave room.** A little slack around {topic} pays for itself.",
    "**Write it down.** The reason behind {main} fades sooner than the result.",
)

STEPS = (
    "**Decide what done looks like.** For {main}, one sentence is enough.",
    "**Collect what you need.** Check that {topic} is at hand before you begin.",
    "**Begin with the simplest case.** Leave {other} for later.",
    "**Try it end to end.** A rough run through {topic} shows the gaps.",
    "**Fix one thing at a time.** Change, look, and only then change again.",
    "**Check the result.** Compare it with the sentence from the first step.",
    "**Tidy up.** Remove what {main} no longer needs.",
)

ROWS = (
    "| Getting started | quick, with few decisions | slower, with more control |",
    "| Day to day | little to look after | rewards attention |",
    "| Cost of a mistake | small and visible | larger, and noticed later |",
    "| Works best | when things stay simple | when the needs are unusual |",
    "| Room to grow | enough for most | more than most will use |",
)

ENDINGS = (
    "If you tell me more about your situation, I can be more specific about {main}.",
    "Would you like an example that goes further into {topic}?",
    "That is the outline; I'm happy to go deeper into any part of it.",
    "In short: keep {main} simple, look at what really happens, and adjust.",
)

CODE_OPENINGS = (
    "Here is a small version for {main} that you can run as it stands:",
    "This is one clear way to do it; it favours readability over cleverness:",
    "A short sketch around {main}, with the important decision in one place:",
)

CODE = '''from collections.abc import Iterable


def {name}(items: Iterable[str], *, limit: int = 10) -> list[str]:
    """Return the first distinct items, in their order."""
    seen: dict[str, None] = {{}}
    for item in items:
        if len(seen) == limit:
            break
        seen.setdefault(item.strip().lower())
    return list(seen)


print({name}(["Red", "green", "red ", "Blue"]))  # ['red', 'green', 'blue']'''

CODE_POINTS = (
    "`seen` is a `dict` rather than a `set`, because a `dict` keeps its order.",
    "`limit` is keyword-only, so that a call says what the number means.",
    "The input can be any iterable, a file or a generator included.",
    "Nothing is changed in place, which makes {main} easy to test.",
)

VERSES = (
    "The morning light finds {main} at the door,",
    "a patient thing that waited through the night;",
    "we count the hours, and then we count once more,",
    "and hold what {topic} leaves us to the light.",
    "No map was ever drawn that shows it whole,",
    "yet every traveller leaves a line or two;",
    "the river keeps its slow and steady goal,",
    "and carries {main}, and carries me, and you.",
)

THOUGHTS = (
    "the user is asking about {main}.",
    "I should find out what matters most to them about {topic} before I go into detail.",
    "a short overview, then a few concrete points, would serve best here.",
    "I want to avoid claiming more about {other} than I know.",
    "an example may make {topic} easier to follow.",
    "let me put the most useful part first.",
)

MULTIBYTE = (
    "Grüße aus Zürich! 日本語の文章も、한국어 문장도, и русский текст — alles in einem Strom. "
    "Emoji: 👩‍👩‍👧‍👦 🏳️‍🌈 🇨🇭 🧑🏽‍💻, accents: naïve café Ångström, maths: ∀x∈ℝ: x² ≥ 0, "
    "right to left: مرحبا بالعالم שלום עולם. "
    "A line separator:\u2028a paragraph separator:\u2029a next line:\u0085a zero-width space:\u200b "
    'and what JSON must escape: "quotes", back\\slash, tab\tand newline.\n'
    "Ende. 終わり。 🎉"
)
"""Every kind of character that has broken a stream: several bytes each, joined by ZWJ, taken for line ends."""
