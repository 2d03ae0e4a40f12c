"""The compliance tests of scim2-tester, of another project, against the base URL in `scim.py URL`, the token in SCIM_TOKEN. Prints each check as one line of JSON."""

import json
import os
import sys

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import check_server

with Client(base_url=sys.argv[1], headers={"Authorization": f"Bearer {os.environ['SCIM_TOKEN']}"}, timeout=60) as client:
    for result in check_server(SyncSCIMClient(client)):
        print(json.dumps({"status": result.status.name, "title": result.title, "reason": result.reason}))
