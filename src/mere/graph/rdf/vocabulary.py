"""The words of the graph, others' where there are good ones: NIF and ITS for mentions, PROV and Dublin Core.

    document   dcterms:identifier, dcterms:language
    entity     rdf:type (the entity type), rdfs:label (every form it was met in)
    mention    nif:referenceContext (document), nif:beginIndex, nif:endIndex (code points), nif:anchorOf (its form),
               itsrdf:taIdentRef (what it denotes), mere:score
    statement  rdf:reifies (the triple), mere:subject and mere:object (mentions), mere:score,
               prov:wasDerivedFrom (document), prov:wasAttributedTo (model)

A statement that is made in two documents is one triple and two reifiers. Scores are xsd:decimal, of four places.
"""

from __future__ import annotations

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
XSD = "http://www.w3.org/2001/XMLSchema#"
NIF = "http://persistence.uni-leipzig.org/nlp2rdf/ontologies/nif-core#"
ITSRDF = "http://www.w3.org/2005/11/its/rdf#"
PROV = "http://www.w3.org/ns/prov#"
DCTERMS = "http://purl.org/dc/terms/"
MERE = "urn:mere:"

PREFIXES = {
    "rdf": RDF, "rdfs": RDFS, "xsd": XSD, "nif": NIF, "itsrdf": ITSRDF, "prov": PROV, "dcterms": DCTERMS, "mere": MERE,
}  # fmt: skip

TYPE = RDF + "type"
REIFIES = RDF + "reifies"
STATEMENT, SUBJECT, PREDICATE, OBJECT = (
    RDF + name for name in ("Statement", "subject", "predicate", "object")
)
LABEL = RDFS + "label"
IDENTIFIER, LANGUAGE = DCTERMS + "identifier", DCTERMS + "language"
CONTEXT, BEGIN, END, ANCHOR = (
    NIF + name for name in ("referenceContext", "beginIndex", "endIndex", "anchorOf")
)
DENOTES = ITSRDF + "taIdentRef"
SUBJECT_MENTION, OBJECT_MENTION, SCORE = (MERE + name for name in ("subject", "object", "score"))
SOURCE, AGENT = PROV + "wasDerivedFrom", PROV + "wasAttributedTo"
INTEGER, DECIMAL = XSD + "nonNegativeInteger", XSD + "decimal"
