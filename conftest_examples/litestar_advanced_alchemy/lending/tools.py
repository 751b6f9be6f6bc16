"""What the application answers. The plugin commits after an answer of 2xx, and rolls back after every other."""

from advanced_alchemy.repository import SQLAlchemyAsyncRepository
from litestar import Controller, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from lending.models import Tool


class Tools(SQLAlchemyAsyncRepository[Tool]):
    model_type = Tool


class ToolController(Controller):
    path = "/tools"

    @get()
    async def listed(self, db_session: NamedDependency[AsyncSession]) -> dict[str, str | None]:
        """Return all tools, each with who has borrowed it."""
        return {tool.name: tool.borrower for tool in await db_session.scalars(select(Tool).order_by(Tool.name))}

    @post()
    async def add(self, db_session: NamedDependency[AsyncSession], data: JSONBody[list[str]]) -> list[int]:
        """Add tools by name, all or none; a name that is there already is a conflict."""
        tools = Tools(session=db_session)
        return [(await tools.add(Tool(name=name))).id for name in data]

    @put("/{name:str}/borrower")
    async def lend(self, db_session: NamedDependency[AsyncSession], name: FromPath[str], data: JSONBody[str]) -> None:
        """Lend a tool to somebody."""
        tool = await Tools(session=db_session).get_one(name=name)
        tool.borrower = data
