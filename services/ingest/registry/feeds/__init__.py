"""KPI feeds: which series a source delivers figures of, by period and unit."""
