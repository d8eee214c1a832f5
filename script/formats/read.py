"""Reads migtime's OpenMetrics text and JUnit XML with the parsers of others, and looks at what they understood."""

import sys

from junitparser import JUnitXml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

metrics_file, junit_file = sys.argv[1:]
with open(metrics_file, encoding="utf-8") as file:
    text = file.read()

families = {family.name: family for family in openmetrics(text)}
held = families["migtime_statement_lock_held_seconds"]
assert held.type == "gauge" and held.documentation, held
relations = {sample.labels["relation"] for sample in held.samples}
assert "\"Gr\"\"öße <&'\\\"" in relations, relations
assert {sample.labels["q"] for sample in held.samples} == {"0.025", "0.5", "0.975"}
errors = [s for s in families["migtime_findings"].samples if s.labels["level"] == "error"]
assert len(errors) == 1 and errors[0].value >= 1, errors
# node_exporter's textfile collector accepts the same text.
assert {family.name for family in prometheus(text)} == set(families)

suites = list(JUnitXml.fromfile(junit_file))
assert len(suites) == 1 and suites[0].name.endswith("größer & mehr/0042, a:b.sql"), suites
cases = list(suites[0])
assert [case.name for case in cases] == [
    "#1 SET", "#2 ALTER TABLE", "#3 CREATE INDEX", "#4 DROP TABLE", "whole migration"
], cases
assert suites[0].failures == sum(bool(case.result) for case in cases) > 0, cases
print(f"{len(families)} metric families and {len(cases)} test cases were read by the parsers of others")
