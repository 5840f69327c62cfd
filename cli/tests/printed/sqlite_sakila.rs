//! Tables of a sqlite database, as `mirrorm inspect --format rust` prints them.
//!
//! `create_all` makes tables only; these have to be there before:
//! - view customer_list
//! - view film_list
//! - view sales_by_film_category
//! - view sales_by_store
//! - view staff_list

use mirrorm::prelude::*;
use mirrorm::schema::{Reference, Setting, TableKind};

/// The tables.
#[derive(Clone, Debug)]
pub struct Tables {
    /// `actor`.
    pub actor: Table,
    /// `address`.
    pub address: Table,
    /// `category`.
    pub category: Table,
    /// `city`.
    pub city: Table,
    /// `country`.
    pub country: Table,
    /// `customer`.
    pub customer: Table,
    /// `customer_list`.
    pub customer_list: Table,
    /// `film`.
    pub film: Table,
    /// `film_actor`.
    pub film_actor: Table,
    /// `film_category`.
    pub film_category: Table,
    /// `film_list`.
    pub film_list: Table,
    /// `film_text`.
    pub film_text: Table,
    /// `inventory`.
    pub inventory: Table,
    /// `language`.
    pub language: Table,
    /// `payment`.
    pub payment: Table,
    /// `rental`.
    pub rental: Table,
    /// `sales_by_film_category`.
    pub sales_by_film_category: Table,
    /// `sales_by_store`.
    pub sales_by_store: Table,
    /// `staff`.
    pub staff: Table,
    /// `staff_list`.
    pub staff_list: Table,
    /// `store`.
    pub store: Table,
}

impl Tables {
    /// Defines the tables in `db`, and sends nothing to the database.
    pub fn define(db: &Db) -> Result<Tables> {
        Ok(Tables {
            actor: Tables::actor(db)?,
            address: Tables::address(db)?,
            category: Tables::category(db)?,
            city: Tables::city(db)?,
            country: Tables::country(db)?,
            customer: Tables::customer(db)?,
            customer_list: Tables::customer_list(db)?,
            film: Tables::film(db)?,
            film_actor: Tables::film_actor(db)?,
            film_category: Tables::film_category(db)?,
            film_list: Tables::film_list(db)?,
            film_text: Tables::film_text(db)?,
            inventory: Tables::inventory(db)?,
            language: Tables::language(db)?,
            payment: Tables::payment(db)?,
            rental: Tables::rental(db)?,
            sales_by_film_category: Tables::sales_by_film_category(db)?,
            sales_by_store: Tables::sales_by_store(db)?,
            staff: Tables::staff(db)?,
            staff_list: Tables::staff_list(db)?,
            store: Tables::store(db)?,
        })
    }

    fn actor(db: &Db) -> Result<Table> {
        db.table("actor", (
            column("actor_id", Integer).primary_key(),
            column("first_name", Varchar(45)).not_null(),
            column("last_name", Varchar(45)).not_null(),
            column("last_update", Timestamp).not_null(),
            index(["last_name"]).named("idx_actor_last_name"),
        ))
    }

    fn address(db: &Db) -> Result<Table> {
        db.table("address", (
            column("address_id", Integer).primary_key(),
            column("address", Varchar(50)).not_null(),
            column("address2", Varchar(50)).server_default(raw("NULL")),
            column("district", Varchar(20)).not_null(),
            column("city_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("postal_code", Varchar(10)).server_default(raw("NULL")),
            column("phone", Varchar(20)).not_null(),
            column("last_update", Timestamp).not_null(),
            foreign_key(["city_id"], Reference::columns("city", ["city_id"]))
                .named("fk_address_city")
                .on_update(Action::Cascade),
            index(["city_id"]).named("idx_fk_city_id"),
        ))
    }

    fn category(db: &Db) -> Result<Table> {
        db.table("category", (
            column("category_id", Integer).primary_key(),
            column("name", Varchar(25)).not_null(),
            column("last_update", Timestamp).not_null(),
        ))
    }

    fn city(db: &Db) -> Result<Table> {
        db.table("city", (
            column("city_id", Integer).primary_key(),
            column("city", Varchar(50)).not_null(),
            column("country_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("last_update", Timestamp).not_null(),
            foreign_key(["country_id"], Reference::columns("country", ["country_id"]))
                .named("fk_city_country")
                .on_update(Action::Cascade),
            index(["country_id"]).named("idx_fk_country_id"),
        ))
    }

    fn country(db: &Db) -> Result<Table> {
        db.table("country", (
            column("country_id", Integer).primary_key(),
            column("country", Varchar(50)).not_null(),
            column("last_update", Timestamp),
        ))
    }

    fn customer(db: &Db) -> Result<Table> {
        db.table("customer", (
            column("customer_id", Integer).primary_key(),
            column("store_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("first_name", Varchar(45)).not_null(),
            column("last_name", Varchar(45)).not_null(),
            column("email", Varchar(50)).server_default(raw("NULL")),
            column("address_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("active", Char(1))
                .not_null()
                .server_default(raw("'Y'")),
            column("create_date", Timestamp).not_null(),
            column("last_update", Timestamp).not_null(),
            foreign_key(["store_id"], Reference::columns("store", ["store_id"]))
                .named("fk_customer_store")
                .on_update(Action::Cascade),
            foreign_key(["address_id"], Reference::columns("address", ["address_id"]))
                .named("fk_customer_address")
                .on_update(Action::Cascade),
            index(["address_id"]).named("idx_customer_fk_address_id"),
            index(["store_id"]).named("idx_customer_fk_store_id"),
            index(["last_name"]).named("idx_customer_last_name"),
        ))
    }

    fn customer_list(db: &Db) -> Result<Table> {
        db.table("customer_list", (
            column("ID", Integer),
            column("name", Type::Any),
            column("address", Varchar(50)),
            column("zip_code", Varchar(10)),
            column("phone", Varchar(20)),
            column("city", Varchar(50)),
            column("country", Varchar(50)),
            column("notes", Type::Any),
            column("SID", Integer).declared("sqlite", "INT"),
            Setting::Kind(TableKind::View(Some("CREATE VIEW customer_list\nAS\nSELECT cu.customer_id AS ID,\n       cu.first_name||' '||cu.last_name AS name,\n       a.address AS address,\n       a.postal_code AS zip_code,\n       a.phone AS phone,\n       city.city AS city,\n       country.country AS country,\n       case when cu.active=1 then 'active' else '' end AS notes,\n       cu.store_id AS SID\nFROM customer AS cu JOIN address AS a ON cu.address_id = a.address_id JOIN city ON a.city_id = city.city_id\n    JOIN country ON city.country_id = country.country_id".into()))),
        ))
    }

    fn film(db: &Db) -> Result<Table> {
        db.table("film", (
            column("film_id", Integer).primary_key(),
            column("title", Varchar(255)).not_null(),
            column("description", Text)
                .declared("sqlite", "BLOB SUB_TYPE TEXT")
                .server_default(raw("NULL")),
            column("release_year", Varchar(4)).server_default(raw("NULL")),
            column("language_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("original_language_id", Integer)
                .declared("sqlite", "INT")
                .server_default(raw("NULL")),
            column("rental_duration", SmallInteger)
                .not_null()
                .server_default(raw("3")),
            column("rental_rate", Numeric(4, 2))
                .declared("sqlite", "DECIMAL(4,2)")
                .not_null()
                .server_default(raw("4.99")),
            column("length", SmallInteger).server_default(raw("NULL")),
            column("replacement_cost", Numeric(5, 2))
                .declared("sqlite", "DECIMAL(5,2)")
                .not_null()
                .server_default(raw("19.99")),
            column("rating", Varchar(10)).server_default(raw("'G'")),
            column("special_features", Varchar(100)).server_default(raw("NULL")),
            column("last_update", Timestamp).not_null(),
            check(raw("special_features is null or\n                                                           special_features like '%Trailers%' or\n                                                           special_features like '%Commentaries%' or\n                                                           special_features like '%Deleted Scenes%' or\n                                                           special_features like '%Behind the Scenes%'"))
                .named("CHECK_special_features"),
            check(raw("rating in ('G','PG','PG-13','R','NC-17')")).named("CHECK_special_rating"),
            foreign_key(["language_id"], Reference::columns("language", ["language_id"]))
                .named("fk_film_language"),
            foreign_key(["original_language_id"], Reference::columns("language", ["language_id"]))
                .named("fk_film_language_original"),
            index(["language_id"]).named("idx_fk_language_id"),
            index(["original_language_id"]).named("idx_fk_original_language_id"),
        ))
    }

    fn film_actor(db: &Db) -> Result<Table> {
        db.table("film_actor", (
            column("actor_id", Integer)
                .primary_key()
                .declared("sqlite", "INT"),
            column("film_id", Integer)
                .primary_key()
                .declared("sqlite", "INT"),
            column("last_update", Timestamp).not_null(),
            foreign_key(["actor_id"], Reference::columns("actor", ["actor_id"]))
                .named("fk_film_actor_actor")
                .on_update(Action::Cascade),
            foreign_key(["film_id"], Reference::columns("film", ["film_id"]))
                .named("fk_film_actor_film")
                .on_update(Action::Cascade),
            index(["actor_id"]).named("idx_fk_film_actor_actor"),
            index(["film_id"]).named("idx_fk_film_actor_film"),
        ))
    }

    fn film_category(db: &Db) -> Result<Table> {
        db.table("film_category", (
            column("film_id", Integer)
                .primary_key()
                .declared("sqlite", "INT"),
            column("category_id", Integer)
                .primary_key()
                .declared("sqlite", "INT"),
            column("last_update", Timestamp).not_null(),
            foreign_key(["film_id"], Reference::columns("film", ["film_id"]))
                .named("fk_film_category_film")
                .on_update(Action::Cascade),
            foreign_key(["category_id"], Reference::columns("category", ["category_id"]))
                .named("fk_film_category_category")
                .on_update(Action::Cascade),
            index(["category_id"]).named("idx_fk_film_category_category"),
            index(["film_id"]).named("idx_fk_film_category_film"),
        ))
    }

    fn film_list(db: &Db) -> Result<Table> {
        db.table("film_list", (
            column("FID", Integer),
            column("title", Varchar(255)),
            column("description", Text).declared("sqlite", "BLOB SUB_TYPE TEXT"),
            column("category", Varchar(25)),
            column("price", Numeric(4, 2)).declared("sqlite", "DECIMAL(4,2)"),
            column("length", SmallInteger),
            column("rating", Varchar(10)),
            column("actors", Type::Any),
            Setting::Kind(TableKind::View(Some("CREATE VIEW film_list\nAS\nSELECT film.film_id AS FID,\n       film.title AS title,\n       film.description AS description,\n       category.name AS category,\n       film.rental_rate AS price,\n       film.length AS length,\n       film.rating AS rating,\n       actor.first_name||' '||actor.last_name AS actors\nFROM category LEFT JOIN film_category ON category.category_id = film_category.category_id LEFT JOIN film ON film_category.film_id = film.film_id\n        JOIN film_actor ON film.film_id = film_actor.film_id\n    JOIN actor ON film_actor.actor_id = actor.actor_id".into()))),
        ))
    }

    fn film_text(db: &Db) -> Result<Table> {
        db.table("film_text", (
            column("film_id", Integer).primary_key(),
            column("title", Varchar(255)).not_null(),
            column("description", Text).declared("sqlite", "BLOB SUB_TYPE TEXT"),
        ))
    }

    fn inventory(db: &Db) -> Result<Table> {
        db.table("inventory", (
            column("inventory_id", Integer).primary_key(),
            column("film_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("store_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("last_update", Timestamp).not_null(),
            foreign_key(["store_id"], Reference::columns("store", ["store_id"]))
                .named("fk_inventory_store")
                .on_update(Action::Cascade),
            foreign_key(["film_id"], Reference::columns("film", ["film_id"]))
                .named("fk_inventory_film")
                .on_update(Action::Cascade),
            index(["film_id"]).named("idx_fk_film_id"),
            index(["store_id", "film_id"]).named("idx_fk_film_id_store_id"),
        ))
    }

    fn language(db: &Db) -> Result<Table> {
        db.table("language", (
            column("language_id", Integer).primary_key(),
            column("name", Char(20)).not_null(),
            column("last_update", Timestamp).not_null(),
        ))
    }

    fn payment(db: &Db) -> Result<Table> {
        db.table("payment", (
            column("payment_id", Integer).primary_key(),
            column("customer_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("staff_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("rental_id", Integer)
                .declared("sqlite", "INT")
                .server_default(raw("NULL")),
            column("amount", Numeric(5, 2))
                .declared("sqlite", "DECIMAL(5,2)")
                .not_null(),
            column("payment_date", Timestamp).not_null(),
            column("last_update", Timestamp).not_null(),
            foreign_key(["rental_id"], Reference::columns("rental", ["rental_id"]))
                .named("fk_payment_rental")
                .on_delete(Action::SetNull)
                .on_update(Action::Cascade),
            foreign_key(["customer_id"], Reference::columns("customer", ["customer_id"]))
                .named("fk_payment_customer"),
            foreign_key(["staff_id"], Reference::columns("staff", ["staff_id"]))
                .named("fk_payment_staff"),
            index(["customer_id"]).named("idx_fk_customer_id"),
            index(["staff_id"]).named("idx_fk_staff_id"),
        ))
    }

    fn rental(db: &Db) -> Result<Table> {
        db.table("rental", (
            column("rental_id", Integer).primary_key(),
            column("rental_date", Timestamp).not_null(),
            column("inventory_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("customer_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("return_date", Timestamp).server_default(raw("NULL")),
            column("staff_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("last_update", Timestamp).not_null(),
            foreign_key(["staff_id"], Reference::columns("staff", ["staff_id"]))
                .named("fk_rental_staff"),
            foreign_key(["inventory_id"], Reference::columns("inventory", ["inventory_id"]))
                .named("fk_rental_inventory"),
            foreign_key(["customer_id"], Reference::columns("customer", ["customer_id"]))
                .named("fk_rental_customer"),
            index(["customer_id"]).named("idx_rental_fk_customer_id"),
            index(["inventory_id"]).named("idx_rental_fk_inventory_id"),
            index(["staff_id"]).named("idx_rental_fk_staff_id"),
            index(["rental_date", "inventory_id", "customer_id"])
                .named("idx_rental_uq")
                .unique(),
        ))
    }

    fn sales_by_film_category(db: &Db) -> Result<Table> {
        db.table("sales_by_film_category", (
            column("category", Varchar(25)),
            column("total_sales", Type::Any),
            Setting::Kind(TableKind::View(Some("CREATE VIEW sales_by_film_category\nAS\nSELECT\nc.name AS category\n, SUM(p.amount) AS total_sales\nFROM payment AS p\nINNER JOIN rental AS r ON p.rental_id = r.rental_id\nINNER JOIN inventory AS i ON r.inventory_id = i.inventory_id\nINNER JOIN film AS f ON i.film_id = f.film_id\nINNER JOIN film_category AS fc ON f.film_id = fc.film_id\nINNER JOIN category AS c ON fc.category_id = c.category_id\nGROUP BY c.name".into()))),
        ))
    }

    fn sales_by_store(db: &Db) -> Result<Table> {
        db.table("sales_by_store", (
            column("store_id", Integer),
            column("store", Type::Any),
            column("manager", Type::Any),
            column("total_sales", Type::Any),
            Setting::Kind(TableKind::View(Some("CREATE VIEW sales_by_store\nAS\nSELECT\n  s.store_id\n ,c.city||','||cy.country AS store\n ,m.first_name||' '||m.last_name AS manager\n ,SUM(p.amount) AS total_sales\nFROM payment AS p\nINNER JOIN rental AS r ON p.rental_id = r.rental_id\nINNER JOIN inventory AS i ON r.inventory_id = i.inventory_id\nINNER JOIN store AS s ON i.store_id = s.store_id\nINNER JOIN address AS a ON s.address_id = a.address_id\nINNER JOIN city AS c ON a.city_id = c.city_id\nINNER JOIN country AS cy ON c.country_id = cy.country_id\nINNER JOIN staff AS m ON s.manager_staff_id = m.staff_id\nGROUP BY  \n  s.store_id\n, c.city||','||cy.country\n, m.first_name||' '||m.last_name".into()))),
        ))
    }

    fn staff(db: &Db) -> Result<Table> {
        db.table("staff", (
            column("staff_id", Integer).primary_key(),
            column("first_name", Varchar(45)).not_null(),
            column("last_name", Varchar(45)).not_null(),
            column("address_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("picture", Binary).server_default(raw("NULL")),
            column("email", Varchar(50)).server_default(raw("NULL")),
            column("store_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("active", SmallInteger)
                .not_null()
                .server_default(raw("1")),
            column("username", Varchar(16)).not_null(),
            column("password", Varchar(40)).server_default(raw("NULL")),
            column("last_update", Timestamp).not_null(),
            foreign_key(["store_id"], Reference::columns("store", ["store_id"]))
                .named("fk_staff_store")
                .on_update(Action::Cascade),
            foreign_key(["address_id"], Reference::columns("address", ["address_id"]))
                .named("fk_staff_address")
                .on_update(Action::Cascade),
            index(["address_id"]).named("idx_fk_staff_address_id"),
            index(["store_id"]).named("idx_fk_staff_store_id"),
        ))
    }

    fn staff_list(db: &Db) -> Result<Table> {
        db.table("staff_list", (
            column("ID", Integer),
            column("name", Type::Any),
            column("address", Varchar(50)),
            column("zip_code", Varchar(10)),
            column("phone", Varchar(20)),
            column("city", Varchar(50)),
            column("country", Varchar(50)),
            column("SID", Integer).declared("sqlite", "INT"),
            Setting::Kind(TableKind::View(Some("CREATE VIEW staff_list\nAS\nSELECT s.staff_id AS ID,\n       s.first_name||' '||s.last_name AS name,\n       a.address AS address,\n       a.postal_code AS zip_code,\n       a.phone AS phone,\n       city.city AS city,\n       country.country AS country,\n       s.store_id AS SID\nFROM staff AS s JOIN address AS a ON s.address_id = a.address_id JOIN city ON a.city_id = city.city_id\n    JOIN country ON city.country_id = country.country_id".into()))),
        ))
    }

    fn store(db: &Db) -> Result<Table> {
        db.table("store", (
            column("store_id", Integer).primary_key(),
            column("manager_staff_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("address_id", Integer)
                .declared("sqlite", "INT")
                .not_null(),
            column("last_update", Timestamp).not_null(),
            foreign_key(["manager_staff_id"], Reference::columns("staff", ["staff_id"]))
                .named("fk_store_staff"),
            foreign_key(["address_id"], Reference::columns("address", ["address_id"]))
                .named("fk_store_address"),
            index(["address_id"]).named("idx_fk_store_address"),
            index(["manager_staff_id"]).named("idx_store_fk_manager_staff_id"),
        ))
    }
}
