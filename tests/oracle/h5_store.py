"""A foreign reader: rows of a store by h5py alone, from parts and dictionaries as docs/store.md says.

For stores of one delivery: one part a shard, no hidden slots. HDF5_PLUGIN_PATH must name the folder
of the plugin for filter 32015 before h5py is imported.
"""
import datetime
import glob
import os

import h5py
import numpy

STATUS = {"P": "resolved", "U": "unresolved", "A": "ambiguous", "D": "dummy", "O": "orphan"}
PARENTS = {"ER_ETE_F": "ER_PRS_F", "ER_PHA_F": "ER_PRS_F", "ER_CAM_F": "ER_PRS_F", "ER_BIO_F": "ER_PRS_F",
           "T_MCOaaB": "T_MCOaaC", "T_MCOaaD": "T_MCOaaC", "T_MCOaaUM": "T_MCOaaC", "T_MCOaaA": "T_MCOaaC"}
KEYS = ["flx_dis_dtd", "flx_trt_dtd", "flx_emt_typ", "flx_emt_num", "flx_emt_ord", "org_cle_num", "dct_ord_num",
        "prs_ord_num", "rem_typ_aff", "eta_num", "rsa_num", "file_year"]
EPOCH = datetime.date(1970, 1, 1)


class Store:
    def __init__(self, folder):
        self.folder = folder
        self.dictionaries = h5py.File(os.path.join(folder, "dictionaries.h5"), "r")
        self.texts = {}

    def parts(self):
        for path in sorted(glob.glob(os.path.join(self.folder, "shards/*/*/part-*.h5"))):
            with h5py.File(path, "r") as part:
                yield part

    def dictionary(self, name):
        if name not in self.texts:
            file = self.dictionaries
            at = [text.decode() for text in file["name"][:]].index(name)
            low, high = (int(n) for n in file["first"][at:at + 2])
            ends = file["offset"][low:high + 1].tolist()
            start = ends[0]
            data = bytes(file["bytes"][start:ends[-1]])
            self.texts[name] = [data[a - start:b - start].decode() for a, b in zip(ends[:-1], ends[1:])]
        return self.texts[name]

    def column(self, data):
        """The texts of a column's values, None where null."""
        values, attributes = data[:], data.attrs
        kind = attributes["type"].decode()
        null = attributes.get("null")
        if kind == "id":
            return [bytes(v).rstrip(b"\0").decode() or None for v in values]
        texts = {}
        for value in numpy.unique(values):
            if null is not None and value == null:
                texts[value] = None
            elif kind in ("code", "text"):
                texts[value] = self.dictionary(attributes["dictionary"].decode())[value]
            elif kind == "date":
                texts[value] = (EPOCH + datetime.timedelta(days=int(value))).isoformat()
            elif kind == "bool":
                texts[value] = "true" if value else "false"
            elif kind == "decimal":
                scale, sign = int(attributes["scale"]), "-" if value < 0 else ""
                digits = str(abs(int(value))).rjust(scale + 1, "0")
                texts[value] = sign + digits[:-scale] + "." + digits[-scale:]
            else:
                texts[value] = str(int(value))
        return [texts[value] for value in values]

    def part_rows(self, part, table, columns):
        """Rows of a table in a part; a child's missing columns are its parent's."""
        group = part[table]
        counts = group["slot_rows"][:].astype(int)
        keys = [bytes(key) for key in part["slots/key"][:]]
        slot_of_row = numpy.repeat(numpy.arange(len(keys)), counts)
        lower = {name.lower(): name for name in group}
        parent = None
        if table in PARENTS and PARENTS[table] in part and "parent" in group:
            up = part[PARENTS[table]]
            starts = numpy.concatenate(([0], numpy.cumsum(up["slot_rows"][:].astype(int))))[:-1]
            links = group["parent"][:].astype(int)
            none = int(numpy.iinfo(group["parent"].dtype).max)
            parent = [None if link == none else starts[slot] + link for link, slot in zip(links, slot_of_row)]
        shown = []
        for column in columns:
            if column == "patient_status":
                shown.append([STATUS[chr(keys[s][0])] for s in slot_of_row])
                continue
            if column == "patient" and "patient" not in lower:
                names = [key[1:].rstrip(b"\0").decode() if key[:1] in (b"P", b"U") else None for key in keys]
                shown.append([names[s] for s in slot_of_row])
                continue
            own = self.column(group[lower[column]]) if column in lower else [None] * len(slot_of_row)
            if parent is not None:
                up_name = {name.lower(): name for name in part[PARENTS[table]]}.get(column)
                if up_name and column in KEYS:
                    theirs = self.column(part[PARENTS[table]][up_name])
                    own = [theirs[p] if p is not None else v for v, p in zip(own, parent)]
            shown.append(own)
        return zip(*shown)
