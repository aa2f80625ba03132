"""usage: page_check.py OUT: the page of a run and its figures say what release/ says, and nothing else.

Every table of release/report.html is its CSV cell by cell (floats to six digits), every figure on it is the file of its
own, well-formed, and its numbers of people are in the table."""
import csv, glob, html.parser, os, re, sys
import xml.etree.ElementTree as tree

release = os.path.join(sys.argv[1], "release")
page = open(os.path.join(release, "report.html"), encoding="utf-8").read()


class Tables(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.name, self.tables, self.cell = None, {}, None

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "h2":
            self.name = attributes["id"]
            self.tables[self.name] = []
        elif tag == "tr":
            self.tables[self.name].append([])
        elif tag in ("td", "th"):
            self.cell = ""

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[self.name][-1].append(self.cell)
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell += data


def same(shown, stored):
    if shown == stored:
        return True
    try:
        return f"{float(stored):.6g}" == shown
    except ValueError:
        return False


parser = Tables()
parser.feed(page)
names = {os.path.basename(path)[:-4] for path in glob.glob(os.path.join(release, "*.csv"))}
if set(parser.tables) != names:
    sys.exit(f"the page has {sorted(parser.tables)}, release/ has {sorted(names)}")
for name, shown in parser.tables.items():
    stored = list(csv.reader(open(os.path.join(release, name + ".csv"), encoding="utf-8")))
    if len(shown) != len(stored):
        sys.exit(f"{name}: {len(shown)} rows on the page, {len(stored)} in the file")
    for a, b in zip(shown, stored):
        if len(a) != len(b) or not all(same(x, y) for x, y in zip(a, b)):
            sys.exit(f"{name}: the page and the file differ in a row")
figures = sorted(glob.glob(os.path.join(release, "*.svg")))
for path in figures:
    text = open(path, encoding="utf-8").read()
    tree.fromstring(text)
    if text not in page:
        sys.exit(f"{path} is not on the page")
    stored = {cell for row in csv.reader(open(path[:-4] + ".csv", encoding="utf-8")) for cell in row}
    for number in re.findall(r">(\w+) patients(?:, (\w+) records| left out)", text):
        if not set(filter(None, number)) <= stored:
            sys.exit(f"{path}: a number is not in the table")
if page.count("<svg") != len(figures):
    sys.exit("the page has figures that are not files")
print(f"{len(names)} tables, {len(figures)} figures")
