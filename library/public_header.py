#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Makes <viaduct/….h> of a header of the tree: public_header.py HEADERS.TXT SOURCE OUT.

The text stays as it is, but for two things: `#include "base/err.h"` becomes `#include
<viaduct/err.h>`, and declarations get C linkage in C++. A header that includes one of ours that is
not in the list is refused, so no internal header is ever asked of a user.
"""
import pathlib
import re
import sys

BEGIN = '\n#ifdef __cplusplus\nextern "C" {\n#endif\n'
END = "\n#ifdef __cplusplus\n}\n#endif\n"


def public(text, names, source):
    def include(found):
        if found[1] not in names:
            sys.exit(f"{source}: includes {found[1]}, which is not in library/headers.txt")
        return f"#include <viaduct/{pathlib.PurePath(found[1]).name}>"

    text = re.sub(r'^#include "([^"]+)"$', include, text, flags=re.M)
    includes = list(re.finditer(r"^#include .*\n", text, flags=re.M))
    at = includes[-1].end() if includes else text.index("*/\n", text.index("#pragma once")) + 3
    return text[:at] + BEGIN + text[at:] + END


if __name__ == "__main__":
    listed, source, out = sys.argv[1:]
    names = pathlib.Path(listed).read_text().split()
    pathlib.Path(out).write_text(public(pathlib.Path(source).read_text(), names, source))
