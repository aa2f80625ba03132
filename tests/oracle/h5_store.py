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
CLAIM = ["flx_dis_dtd", "flx_trt_dtd", "flx_emt_typ", "flx_emt_num", "flx_emt_ord", "org_cle_num", "dct_ord_num",
         "prs_ord_num", "rem_typ_aff"]
STAYS = {"T_MCOaa": ["eta_num", "rsa_num"], "T_SSRaa": ["eta_num", "rha_num"], "T_HADaa": ["eta_num_epmsi", "rhad_num"],
         "T_RIPaa": ["eta_num_epmsi", "rip_num"]}
EPOCH = datetime.date(1970, 1, 1)


def parent_of(table):
    """The parent of a detail table, and the key columns that stand with it; (None, []) of others."""
    if table.startswith("ER_"):
        return (None, []) if table in ("ER_PRS_F", "ER_DCT_F") else ("ER_PRS_F", CLAIM)
    if table == "KI_ECD_R":
        return "KI_CCI_R", ["dcd_idt_enc"]
    if table == "T_RIPaaR3AD":
        return "T_RIPaaR3A", ["eta_num_epmsi", "ord_num", "sej_idt", "file_year"]
    family, kind = table[:7], table[7:]
    if family not in STAYS or kind in ("C", "CSTC", "R3A", "E"):
        return None, []
    if kind != "STC" and kind.endswith("STC") or kind == "VALOACE":
        return family + "CSTC", ["eta_num", "seq_num", "file_year"]
    return family + "C", STAYS[family] + ["file_year"]


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
            start = int(file["length"][:low].sum())
            ends = [start, *(start + numpy.cumsum(file["length"][low:high])).tolist()]
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
            elif kind == "decimal" and int(attributes["scale"]) > 0:
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
        parent_table, key_columns = parent_of(table)
        if parent_table is not None and parent_table in part and "parent" in group:
            up = part[parent_table]
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
                up_name = {name.lower(): name for name in part[parent_table]}.get(column)
                if up_name and column in key_columns:
                    theirs = self.column(part[parent_table][up_name])
                    own = [theirs[p] if p is not None else v for v, p in zip(own, parent)]
            shown.append(own)
        return zip(*shown)
