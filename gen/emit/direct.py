# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Compiles templates to simpler Python than Jinja does by itself: a macro becomes a plain function, a call a plain call, an attribute a
plain attribute, and an output one text.

With the Python that Jinja compiles by itself, a run would spend most of its time between a template and the macros that it calls:
Jinja looks attributes up as items too, and passes a context to functions that ask for it. Here a template calls macros with
arguments by position, and only filters and tests get a context. The emitted text is the same. A wrong call or attribute
raises Python's own error.
"""

import jinja2
from jinja2 import compiler, nodes


class _CodeGenerator(compiler.CodeGenerator):
    def visit_Call(self, node: nodes.Call, frame: compiler.Frame, forward_caller: bool = False) -> None:
        self.visit(node.node, frame)
        self.write("(")
        for argument in node.args:
            self.visit(argument, frame)
            self.write(", ")
        for keyword in node.kwargs:
            self.visit(keyword, frame)
            self.write(", ")
        self.write(")")

    def visit_Getattr(self, node: nodes.Getattr, frame: compiler.Frame) -> None:
        self.visit(node.node, frame)
        self.write(f".{node.attr}")

    def visit_Getitem(self, node: nodes.Getitem, frame: compiler.Frame) -> None:
        self.visit(node.node, frame)
        self.write("[")
        self.visit(node.arg, frame)
        self.write("]")

    def visit_CondExpr(self, node: nodes.CondExpr, frame: compiler.Frame) -> None:
        """Without an `else`, it is an empty text, where Jinja makes an object that prints as one."""
        super().visit_CondExpr(nodes.CondExpr(node.test, node.expr1, node.expr2 or nodes.Const("")), frame)

    def visit_Concat(self, node: nodes.Concat, frame: compiler.Frame) -> None:
        self._format(node.nodes, frame)

    def visit_Output(self, node: nodes.Output, frame: compiler.Frame) -> None:
        """Text and values beside each other are one text. Nothing is computed while a template is compiled: see compiled.py."""
        self.writeline("yield " if frame.buffer is None else f"{frame.buffer}.append(", node)
        self._format(node.nodes, frame)
        if frame.buffer is not None:
            self.write(")")

    def _format(self, parts: list[nodes.Expr], frame: compiler.Frame) -> None:
        """Writes an expression: the parts as one text."""
        values = [part for part in parts if not isinstance(part, nodes.TemplateData)]
        if not values:
            self.write(repr("".join(part.data for part in parts)))
            return
        if len(parts) == 1:
            self.write("str(")
            self.visit(parts[0], frame)
            self.write(")")
            return
        self.write(repr("".join(part.data.replace("%", "%%") if isinstance(part, nodes.TemplateData) else "%s" for part in parts)))
        self.write(" % (")
        for value in values:
            self.visit(value, frame)
            self.write(", ")
        self.write(")")

    def macro_def(self, macro_ref: compiler.MacroRef, frame: compiler.Frame) -> None:
        """A parameter that has a default may be left out: Jinja's function looks for `missing` itself."""
        self.write("macro")
        if macro_ref.node.defaults:
            self.writeline(f"macro.__defaults__ = (missing,) * {len(macro_ref.node.defaults)}")


class _Direct(jinja2.Environment):
    code_generator_class = _CodeGenerator


# The methods above are those of Jinja 3.1. With another version, Jinja's own compiler gives the same text in more time.
Environment = _Direct if jinja2.__version__.startswith("3.1.") else jinja2.Environment
