"""Print entities and triples as people read them: `mere extract MODEL FILE | python examples/show.py`."""

import json
import sys

for line in sys.stdin:
    document = json.loads(line)
    lang = document["lang"] or "?"
    for triple in document["triples"]:
        facts = (triple["subject"]["text"], triple["relation"], triple["object"]["text"])
        print(f"{lang:3} {triple['score']:.2f}  {'  |  '.join(facts)}")
    typed = [f"{entity['text']} ({entity['type']})" for entity in document["entities"] if entity.get("type")]
    if typed:
        print(f"{lang:3}       {', '.join(typed)}")
    elif not document["triples"]:
        print(f"{lang:3}       nothing in: {document['text']}")
