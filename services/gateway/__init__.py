"""HTTP for machines: what it answers with 2xx is durable in ingest, under the mapping of its source."""
