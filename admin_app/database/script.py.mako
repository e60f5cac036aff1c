<%
def body(operations):
    written, depth = [], 0
    for line in (operations or "pass").rstrip().split("\n"):
        if line.lstrip().startswith("# ###"):
            continue
        written.append("    " * bool(depth and line.strip() != ")") + line)
        depth += line.count("(") - line.count(")")
    return "\n".join(written).strip()
def sentence(message):
    return " ".join(message.split()).replace("\\", "\\\\").replace('"', '\\"').rstrip(".") + "."
%>"""${sentence(message)}"""

import sqlalchemy as sa
from alembic import op
% if imports:

${imports}
% endif

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${body(upgrades)}


def downgrade() -> None:
    ${body(downgrades)}
