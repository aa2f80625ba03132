#!/usr/bin/env python3
"""Changes one rule of OHDSI's language at a time in a copy of the engine's sources, and shows that a test sees it.
usage: mutate_circe.py SOURCES DATA SCRATCH [--list] [NAME...]   (by hand: scripts/test --mutation)
Each change is built into SCRATCH and run over the definitions of test_cohorts.sh (cdm22k and its 547 definitions
in DATA/ohdsi) and of test_cohorts_twin.sh. Those tests compare rows and true statistics with the expected ones,
so an answer that differs from that of the unchanged engine, or a failure, is a red test. Exit code 1: a change was
not seen. --list: only checks that each text to be changed is there once."""
import os
import re
import shutil
import subprocess
import sys

END = {"ConditionOccurrence": "NEXT_DAY", "DrugExposure": "SUPPLY", "ProcedureOccurrence": "ALWAYS_NEXT_DAY",
       "Measurement": "ALWAYS_NEXT_DAY", "Observation": "ALWAYS_NEXT_DAY", "VisitOccurrence": "AS_IS", "VisitDetail": "AS_IS",
       "DeviceExposure": "NEXT_DAY", "Specimen": "ALWAYS_NEXT_DAY", "Death": "ALWAYS_NEXT_DAY", "ConditionEra": "AS_IS",
       "DrugEra": "AS_IS", "DoseEra": "AS_IS", "ObservationPeriod": "AS_IS"}
READ, GROUP, FILTER, COHORT, PERSON, EXPAND, CRITERIA = (
    "engine/circe/%s.c" % n for n in ("read", "group", "filter", "cohort", "person", "expand", "read_criteria"))

# feature, file, text as it stands, text instead
RULES = [
    ("descendants", EXPAND, "if (!item->descendants) return PC_OK;", "if (item->descendants || true) return PC_OK;"),
    ("valid descendants", EXPAND, "if (circe_concept_known(v, descendant, &hint) != CIRCE_VALID) continue;",
     "if (circe_concept_known(v, descendant, &hint) == CIRCE_UNKNOWN) continue;"),
    ("exclusion", EXPAND, "item->is_excluded ? &x->minus : &x->plus", "item->is_excluded ? &x->plus : &x->plus"),
    ("includeMapped", EXPAND, "if (item->mapped) PC_TRY(add_mapped(x, from, out, err));", ""),
    ("mapping that ended", EXPAND, "pc_column_int(&v->kind, row) == kind &&\n           circe_is_null(&v->ended, row);",
     "pc_column_int(&v->kind, row) == kind;"),
    ("First", PERSON, "about->is_first ? 1 : hits->count;\n    const int32_t *row = about->is_first ? &first",
     "hits->count;\n    const int32_t *row = first < 0 ? &first"),
    ("First, ties by row id", PERSON, "id[row] < id[first]", "id[row] > id[first]"),
    ("First before filters", PERSON, re.compile(r"const int32_t first =\n.*?events->is_made = true;", re.DOTALL),
     "events->event = pc_arena_raw(&person->arena, (size_t)hits->count * sizeof *events->event, person->err);\n"
     "    for (int i = 0; i < hits->count; i++)\n"
     "        events->count += make_event(person, about, hits->row[i], &events->event[events->count]);\n"
     "    pc_circe_sort(events->event, events->count);\n    if (about->is_first && events->count > 1) events->count = 1;\n"
     "    (void)first_row;\n    events->is_made = true;"),
    ("DateAdjustment", PERSON, "start = leaf->start_from_end ? raw_end : raw;", "start = leaf->start_from_end ? raw : raw_end;"),
    ("DateAdjustment, end before start", PERSON, "if (end < start) return false;", ""),
    ("UserDefinedPeriod", PERSON, "leaf->user_start == PC_CIRCE_NO_DAY ? start : leaf->user_start",
     "leaf->user_start == PC_CIRCE_NO_DAY ? start : start"),
    ("UserDefinedPeriod, sort", PERSON, ".sort = start,", ".sort = leaf->user_start == PC_CIRCE_NO_DAY ? start : leaf->user_start,"),
    ("SourceConcept", PERSON, "const bool is_other = source_set != PC_CIRCE_NO_SET &&", "const bool is_other = false &&"),
    ("periods hold their end", PERSON, "if (day <= person->period[i].end)", "if (day < person->period[i].end)"),
    ("periods hold their start", PERSON, "person->period[i].start <= day; i++", "person->period[i].start < day; i++"),
    ("nested CorrelatedCriteria", PERSON, "if (criterion->group == NULL || all->count == 0) return all;", "return all;"),
    ("nested, outside of every period", PERSON, "if (period == NULL) continue;",
     "if (period == NULL) { kept->event[kept->count++] = *event; continue; }"),
    ("several entry criteria", COHORT, "for (int i = 0; i < d->primary_count; i++) {", "for (int i = 0; i < 1; i++) {"),
    ("PriorDays", COHORT, "period->start + d->prior_days > event->start", "period->start + d->prior_days >= event->start"),
    ("PostDays", COHORT, "event->start + d->post_days > period->end", "event->start + d->post_days >= period->end"),
    ("rank by row id", COHORT, "return x->event.id < y->event.id ? -1 : 1;", "return x->event.id > y->event.id ? -1 : 1;"),
    ("Last", COHORT, "return x->event.sort > y->event.sort ? -1 : 1;", "return x->event.sort < y->event.sort ? -1 : 1;"),
    ("PrimaryLimit First", COHORT, "if (limit != PC_CIRCE_KEEP_ALL && list->count > 1) {",
     "if (limit == PC_CIRCE_KEEP_LAST && list->count > 1) {"),
    ("AdditionalCriteria", COHORT, "if (pc_circe_group_holds(person, d->additional, &index)) {",
     "if (pc_circe_group_holds(person, d->additional, &index) || true) {"),
    ("QualifiedLimit First", COHORT, "limit(list, d->qualified_limit);", ""),
    ("QualifiedLimit without AdditionalCriteria", COHORT, "if (!d->has_additional) return;",
     "if (!d->has_additional) { limit(list, d->qualified_limit); return; }"),
    ("ties of limits", COHORT, "? start > kept : start < kept", "? start >= kept : start <= kept"),
    ("InclusionRules", COHORT, "if (list->entry[i].mask != full) continue;", "if (list->entry[i].mask == 0 && full != 0) continue;"),
    ("ExpressionLimit First", COHORT, "limit(list, d->expression_limit);", ""),
    ("best event", COHORT, "if (rules != other) return rules > other;", "if (rules != other) return rules < other;"),
    ("best event, lowest rule", COHORT, "return lowest < theirs;", "return lowest > theirs;"),
    ("exit period end", COHORT, "take_end(&end, e->period.end, start);", "take_end(&end, (int64_t)e->period.end - 1, start);"),
    ("exit DateOffset", COHORT, "day < e->period.end ? day : e->period.end", "day"),
    ("exit DateOffset, field", COHORT, "d->offset_from_end ? e->event.end : start", "start"),
    ("exit before start", COHORT, "if (candidate >= start && candidate < *end)", "if (candidate < *end)"),
    ("exit CustomEra", COHORT, "*count = pc_circe_merge(era, *count, d->era_gap);", "*count = pc_circe_merge(era, *count, 0);"),
    ("exit CustomEra, offset", COHORT, "end + d->exit_offset};", "end};"),
    ("exit CustomEra, supply", COHORT, "d->era_supply >= 0 ? event->start + d->era_supply : event->end", "event->end"),
    ("CensoringCriteria, same day", COHORT, "pc_circe_first_from(events, start);", "pc_circe_first_from(events, (int64_t)start + 1);"),
    ("EraPad", COHORT, "last < 0 || padded < span[i].start", "last < 0 || padded <= span[i].start"),
    ("CensorWindow start", COHORT, "cut.start < d->window_start", "false"),
    ("CensorWindow end", COHORT, "cut.end > d->window_end", "false"),
    ("window, lower bound", GROUP, "day >= s->low && day <= s->high", "day > s->low && day <= s->high"),
    ("window, upper bound", GROUP, "if (event->start > start.high) break;", "if (event->start >= start.high) break;"),
    ("unbounded windows", GROUP, "bound[i]->at_period_start ? index->period.start : index->period.end",
     "bound[i]->at_period_start ? index->period.start : index->start"),
    ("IgnoreObservationPeriod", GROUP, "if (!c->ignores_period) start =", "start ="),
    ("EndWindow", GROUP, "if (!window[i]->is_given) continue;", "if (!window[i]->is_given || i == 1) continue;"),
    ("EndWindow.UseEventEnd false", GROUP, "window[i]->of_event_end ? &end : &start", "i == 1 ? &end : &start"),
    ("UseIndexEnd", GROUP, "window->from_index_end ? index->end : index->start", "index->start"),
    ("RestrictVisit", GROUP, "if (c->same_visit &&", "if (false &&"),
    ("occurrence exactly", GROUP, "return count == c->count;", "return count >= c->count;"),
    ("occurrence at most", GROUP, "return count <= c->count;", "return count < c->count;"),
    ("occurrence at least", GROUP, "return count >= c->count;", "return count > c->count;"),
    ("IsDistinct", GROUP, "distinct += i == 0 || value[i] != value[i - 1];", "distinct++;"),
    ("group ALL", GROUP, "if (group->type == PC_CIRCE_ALL && !holds) return false;",
     "if (group->type == PC_CIRCE_ALL && !holds && i > 0) return false;"),
    ("group ANY", GROUP, "if (group->type == PC_CIRCE_ANY && holds) return true;",
     "if (group->type == PC_CIRCE_ANY && holds && i > 0) return true;"),
    ("group AT_LEAST", GROUP, "return met >= group->count;", "return met > group->count;"),
    ("group AT_MOST", GROUP, "return met <= group->count;", "return met < group->count;"),
    ("sub-groups", GROUP, "demographic_count + group->group_count;", "demographic_count;"),
    ("demographic criteria", GROUP, "i < d->filter_count; i++", "i < 0 * d->filter_count; i++"),
    ("empty group", GROUP, "if (members == 0) return true;", "if (members == 0) return false;"),
    ("Age", FILTER, "year_of(day) - birth;", "year_of(day) - birth - 1;"),
    ("Gender", FILTER, "return of_person(person, person->block->gender);", "return of_person(person, person->block->race);"),
    ("VisitType", FILTER, "if (block->visit_id[row] == id) return block->visit_concept[row];",
     "if (block->visit_id[row] >= id) return block->visit_concept[row];"),
    ("ProviderSpecialty", FILTER, "integer_at(rows, PC_CIRCE_PROVIDER, row)", "integer_at(rows, PC_CIRCE_PROVIDER, row) + 1"),
    ("EraLength and other lengths", FILTER, "(int64_t)end - start;", "(int64_t)end - start + 1;"),
    ("ratio", FILTER, "field == PC_CIRCE_LOW_RATIO ? RANGE_LOW : RANGE_HIGH", "field == PC_CIRCE_LOW_RATIO ? RANGE_HIGH : RANGE_LOW"),
    ("ratio of zero", FILTER, "bound == 0 ? NAN :", "bound == 0 ? 1 :"),
    ("Abnormal", FILTER, "value > number_at(rows, RANGE_HIGH, row) ||", "value >= number_at(rows, RANGE_HIGH, row) ||"),
    ("ranges, null", FILTER, "if (isnan(value)) return false;", "if (isnan(value)) return true;"),
    ("range lt", FILTER, "return value < f->low;", "return value <= f->low;"),
    ("range lte", FILTER, "return value <= f->low;", "return value < f->low;"),
    ("range gt", FILTER, "return value > f->low;", "return value >= f->low;"),
    ("range gte", FILTER, "return value >= f->low;", "return value > f->low;"),
    ("range bt, both bounds", FILTER, "return value >= f->low && value <= f->high;", "return value > f->low && value < f->high;"),
    ("ValueAsConcept, Unit: lists of concepts", FILTER, "is_listed(f, value) == (f->op == PC_CIRCE_IN)", "true"),
    ("null concept", FILTER, "    if (value == PC_CIRCE_NULL) return false;\n    if (f->op == PC_CIRCE_IN",
     "    if (value == PC_CIRCE_NULL) return true;\n    if (f->op == PC_CIRCE_IN"),
    ("text", FILTER, "*pattern == '_'", "*pattern == '?'"),
] + [("reader " + kind, "engine/circe/domain.c", re.compile(r'("%s",\s+"[A-Z_]+",\s+PC_CIRCE_END_)%s,' % (kind, end)),
      r"\g<1>%s," % ("NEXT_DAY" if end == "SUPPLY" else "AS_IS" if end == "NEXT_DAY" else "ALWAYS_NEXT_DAY" if end == "AS_IS" else "AS_IS"))
     for kind, end in END.items()]


def changed(text, old, new):
    """The text with the rule changed; None: it is not there exactly once (a regular expression or plain text)."""
    if isinstance(old, re.Pattern):
        return old.sub(new, text) if len(old.findall(text)) == 1 else None
    return text.replace(old, new) if text.count(old) == 1 else None


def run(command, log):
    return subprocess.run(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, check=False).returncode


def answer(binary, scratch, log):
    """All that the tests compare, as bytes; None: the run failed."""
    parts = []
    for name, definitions in (("twin", scratch + "/twin_made/definitions"), ("cdm22k", DATA + "/ohdsi/definitions")):
        out = scratch + "/out"
        shutil.rmtree(out, ignore_errors=True)
        if run(["timeout", "120", binary, "cohorts", scratch + "/store_" + name, definitions, "--out", out, "--quiet"], log) != 0:
            return None
        for path in ["cohorts/cohort.csv"] + ["control/" + f for f in sorted(os.listdir(out + "/control"))]:
            with open(os.path.join(out, path), "rb") as file:
                parts.append(file.read())
    return parts


def main():
    global DATA
    sources, DATA, scratch = (os.path.abspath(p) for p in sys.argv[1:4])
    wanted = [a for a in sys.argv[4:] if a != "--list"]
    lost = [n for n, f, o, i in RULES if changed(open(os.path.join(sources, f), encoding="utf-8").read(), o, i) is None]
    if lost:
        sys.exit("not there exactly once: %s" % ", ".join(lost))
    print("%d rules" % len(RULES), flush=True)
    if "--list" in sys.argv:
        return 0
    tree, build = scratch + "/tree", scratch + "/build"
    os.makedirs(scratch, exist_ok=True)
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(sources, tree, ignore=shutil.ignore_patterns("build", ".git"))
    for file in {f for _, f, _, _ in RULES}:  # newer than what a run that was stopped may have left in the build
        os.utime(os.path.join(tree, file))
    log = open(scratch + "/log", "w", encoding="utf-8")
    make = ["cmake", "--build", build, "--target", "parcours"]
    if run(["cmake", "-G", "Ninja", "-S", tree, "-B", build, "-DCMAKE_BUILD_TYPE=Release"], log) or run(make, log):
        sys.exit("the unchanged sources do not build: %s/log" % scratch)
    binary = build + "/bin/parcours"
    run([sys.executable, tree + "/tests/jobs/circe_twin.py", "make", "1", scratch + "/twin_made"], log)
    model = tree + "/partition/models/omop.json"
    for name, cdm in (("twin", scratch + "/twin_made/cdm"), ("cdm22k", DATA + "/ohdsi/cdm22k")):
        shutil.rmtree(scratch + "/store_" + name, ignore_errors=True)
        if run([binary, "ingest", "--model", model, "--in", cdm, "--store", scratch + "/store_" + name, "--quiet"], log):
            sys.exit("ingest failed: %s/log" % scratch)
    right = answer(binary, scratch, log)
    if right is None:
        sys.exit("the unchanged engine fails: %s/log" % scratch)
    unseen = []
    for name, file, old, new in RULES:
        if wanted and name not in wanted:
            continue
        path = os.path.join(tree, file)
        with open(path, encoding="utf-8") as source:
            text = source.read()
        with open(path, "w", encoding="utf-8") as source:
            source.write(changed(text, old, new))
        built = run(make, log) == 0
        found = answer(binary, scratch, log) if built else right
        with open(path, "w", encoding="utf-8") as source:
            source.write(text)
        verdict = ("DOES NOT BUILD" if not built else "RUN FAILED" if found is None else
                   "NOT SEEN" if found == right else "seen")
        if verdict != "seen":
            unseen.append(name)
        print("%-45s %s" % (name, verdict), flush=True)
    print("%d not seen%s" % (len(unseen), ": " + ", ".join(unseen) if unseen else ""))
    return 1 if unseen else 0


DATA = ""
sys.exit(main())
