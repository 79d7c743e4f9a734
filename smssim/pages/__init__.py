"""Pages: what people read of a record (text, HTML, workbook), a study described, a panel."""

__all__ = []
