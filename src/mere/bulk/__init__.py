"""Corpora larger than a memory, a patience or a machine: shards, workers, and a manifest that survives a kill.

A plan cuts the corpus into shards; an engine, which is processes here or actors of Ray, works them off. A shard is
done when its report is there: whatever dies before that leaves nothing that counts, and `resume` does the shard
again. So no row is lost and none is there twice.
"""

from mere.bulk.plan import CorpusSettings, Plan
from mere.bulk.run import Summary, extract_corpus, resume

__all__ = ["CorpusSettings", "Plan", "Summary", "extract_corpus", "resume"]
