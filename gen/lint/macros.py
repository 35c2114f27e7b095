# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Macros of <windows.h> and <winsock2.h>. In a program that includes these headers, no member and no parameter can have the name of such a
macro. The generator does not rename them: most programs never meet them."""

import re

_NAMES = frozenset("""abnormal_termination cdecl environ exception_code exception_info far hyper interface isascii iscsym iscsymf lstrcat
    lstrcmp lstrcmpi lstrcpy lstrcpyn lstrlen matherr midl_user_allocate midl_user_free near onexit_t pascal pclose popen rpc_binding_handle_t
    rpc_binding_vector_t s_addr s_host s_imp s_impno s_lh s_net small strcasecmp strncasecmp sys_errlist sys_nerr toascii ua_lstrcmp
    ua_lstrcmpi ua_lstrlen ua_tcscpy ua_wcschr ua_wcscpy ua_wcsicmp ua_wcslen ua_wcsrchr uuid_t uuid_vector_t wcswcs wpopen wsprintf
    wvsprintf""".split())
_CONTROLS = re.compile(r"(?:chx|cmb|ctl|edt|frm|grp|ico|lst|psh|rad|rct|scr|stc)[1-9][0-9]?\Z")     # of dialogs, by number


def is_windows_macro(c_name: str) -> bool:
    return c_name in _NAMES or _CONTROLS.match(c_name) is not None
