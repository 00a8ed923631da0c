"""Print triples as people read them: `mere extract MODEL FILE | python examples/show.py`."""

import json
import sys

for line in sys.stdin:
    document = json.loads(line)
    lang = document["lang"] or "?"
    for triple in document["triples"]:
        facts = (triple["subject"]["text"], triple["relation"], triple["object"]["text"])
        print(f"{lang:3} {triple['score']:.2f}  {'  |  '.join(facts)}")
    if not document["triples"]:
        print(f"{lang:3}       no triple in: {document['text']}")
