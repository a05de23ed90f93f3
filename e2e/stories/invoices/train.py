"""Learns from last year's invoices which account each belongs to, and writes what the automation hands over.

    python3 train.py FOLDER

writes booking/ (model.py beside this file, with words.json, what it learned), sample.json with what the model answers at
home, and week.json: the invoices of a week. The invoices are made up; Python alone is all that is needed.
"""

import json
import math
import random
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
ACCOUNTS = {
    "office": ["paper", "toner", "chairs", "desk", "pens", "folders"],
    "travel": ["train", "hotel", "flight", "taxi", "ticket", "night"],
    "energy": ["electricity", "gas", "meter", "heating", "kwh", "tariff"],
    "software": ["licence", "subscription", "seats", "cloud", "renewal", "users"],
}
FILLERS = ["invoice", "for", "the", "month", "of", "your", "order", "net", "days", "thank", "you"]
SUPPLIERS = ["Meyer", "Nordlicht", "Contoso", "Adler", "Bahnhof", "Sommer"]


def invoices(count: int, seed: int) -> list[dict[str, object]]:
    """Invoices with the account that a person booked them to."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        account = chance.choice(sorted(ACCOUNTS))
        words = chance.sample(ACCOUNTS[account], 3) + chance.sample(FILLERS, 4)
        # Some mention what belongs elsewhere.
        if chance.random() < 0.2:
            words.append(chance.choice(ACCOUNTS[chance.choice(sorted(ACCOUNTS))]))
        chance.shuffle(words)
        text = f"{chance.choice(SUPPLIERS)}: {' '.join(words)}"
        made.append({"text": text, "amount": round(chance.uniform(10, 3000), 2), "account": account})
    return made


def learn(examples: list[dict[str, object]]) -> dict[str, dict[str, float]]:
    """Naive Bayes with add-one smoothing: of each account, how likely each word is in its invoices (logarithms)."""
    counts: dict[str, dict[str, int]] = {account: {} for account in ACCOUNTS}
    for example in examples:
        of_account = counts[str(example["account"])]
        for word in str(example["text"]).lower().replace(":", " ").split():
            of_account[word] = of_account.get(word, 0) + 1
    vocabulary = sorted({word for of_account in counts.values() for word in of_account})
    learned = {}
    for account, of_account in counts.items():
        total = sum(of_account.values()) + len(vocabulary)
        learned[account] = {word: round(math.log((of_account.get(word, 0) + 1) / total), 6) for word in vocabulary}
    return learned


def columns(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The inputs of some invoices, as the columns of a table."""
    return [
        {"name": "text", "datatype": "BYTES", "shape": [len(rows)], "data": [row["text"] for row in rows]},
        {"name": "amount", "datatype": "FP64", "shape": [len(rows)], "data": [row["amount"] for row in rows]},
    ]


def main(folder: Path) -> None:
    booking = folder / "booking"
    booking.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(HERE / "booking/model.py", booking / "model.py")
    (booking / "words.json").write_text(json.dumps(learn(invoices(2_000, seed=1))))

    sys.path.insert(0, str(booking))
    import model  # what was just put together, asked as it will be asked

    week = invoices(20, seed=2)
    answers = model.predict(model.load(str(booking)), week)
    right = sum(answer == invoice["account"] for answer, invoice in zip(answers, week, strict=True))
    assert right >= 18, f"only {right} of {len(week)} are right"
    output = {"name": "prediction", "datatype": "BYTES", "shape": [5], "data": answers[:5]}
    sample = {"inputs": columns(week[:5]), "isTable": True, "outputs": [output]}
    (folder / "sample.json").write_text(json.dumps(sample))
    rows = [{"text": invoice["text"], "amount": invoice["amount"]} for invoice in week]
    (folder / "week.json").write_text(json.dumps({"rows": rows, "expected": answers}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
