# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Write a report on a verdict as HTML, JUnit XML and JSON
version_added: 0.1.0
description:
  - Writes what M(kubelab.podnet.network_validate) found to three files, for people, for CI servers and for programs.
  - C(report.html) is one file that refers to nothing outside itself and runs no script, to be read on any screen, printed or
    mailed. It starts with the verdict and has the promises, the findings with evidence and remedy, what was not proved, and
    explained paths; with O(snapshot) also a picture of the nodes, who reached whom, and the nodes' routing tables, each row
    explained.
  - C(report.xml) is JUnit XML. A cluster is a test suite; each promise, each code of findings and each thing that could not be
    proved is a test case, the latter a skipped one.
  - C(report.json) is the verdict; C(docs/verdict.schema.json) of the collection describes it.
  - With O(fleet) it writes C(fleet.html), C(fleet.xml) and C(fleet.json) instead, an overview of several clusters.
  - Files that are already as they should be are left alone; the others are replaced at once, so that nobody reads half a file.
author: The kubelab authors (@kubelab)
extends_documentation_fragment:
  - kubelab.podnet.attributes
  - kubelab.podnet.attributes.changes
options:
  dest:
    description: The folder to write to. It is made when it is not there.
    type: path
    required: true
  verdict:
    description: The verdict on a cluster, as M(kubelab.podnet.network_validate) returns it.
    type: dict
  snapshot:
    description: The snapshot file that the verdict is about, as saved by M(kubelab.podnet.network_validate).
    type: path
  fleet:
    description: The clusters to give an overview of.
    type: list
    elements: dict
    suboptions:
      name:
        description: What to call the cluster, such as its name in the inventory.
        type: str
        required: true
      verdict:
        description: The verdict on it.
        type: dict
      msg:
        description: Why there is no verdict, such as the message of the task that failed.
        type: str
      report:
        description: Where its own report is, as a path relative to O(dest), to be linked.
        type: str
"""

EXAMPLES = r"""
- name: Write the report
  kubelab.podnet.report:
    dest: reports
    verdict: "{{ validation }}"
    snapshot: reports/snapshot.jsonl

- name: Write an overview of all clusters of the inventory
  kubelab.podnet.report:
    dest: reports
    fleet:
      - name: shop
        verdict: "{{ hostvars['shop'].validation }}"
        report: shop/report.html
      - name: lab
        msg: the API server at https://10.0.0.1:6443 did not answer
"""

RETURN = r"""
files:
  description: The paths of the three files, by C(json), C(xml) and C(html).
  returned: success
  type: dict
  sample:
    json: /home/user/reports/report.json
    xml: /home/user/reports/report.xml
    html: /home/user/reports/report.html
diff:
  description: For each file what there was and what there is to be, and the difference of the JSON.
  returned: success
  type: list
  elements: dict
error:
  description: A stable name of what went wrong.
  returned: on failure
  type: str
  sample: invalid-input
"""

from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.report import OPERATION


def main() -> None:
    run_module(OPERATION)


if __name__ == "__main__":
    main()
