from flask.testing import FlaskClient

from cookbook import Recipe, app, db


def test_a_recipe_is_added(client: FlaskClient) -> None:
    assert client.put("/recipes/Soup").status_code == 201
    assert client.get("/recipes").json == ["Soup"]


def test_a_title_is_there_once(client: FlaskClient) -> None:
    assert client.put("/recipes/Soup").status_code == 201
    assert client.put("/recipes/Soup").status_code == 409
    assert client.get("/recipes").json == ["Soup"]


def test_the_test_uses_the_session_of_the_application(client: FlaskClient) -> None:
    with app.app_context():
        db.session.add(Recipe(title="Bread"))
        db.session.commit()
    assert client.get("/recipes").json == ["Bread"]


def test_nothing_is_left_of_other_tests(client: FlaskClient) -> None:
    assert client.get("/recipes").json == []
