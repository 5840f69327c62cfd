-- Awkward but legal MySQL declarations (8.0.23 or newer); run it in an empty database.
create table parent (id int unsigned not null auto_increment primary key, a int, b int, unique key uqab (a,b)) auto_increment=100 row_format=dynamic comment='tbl ''cmt'' \\ x';
create table big (
 id bigint unsigned not null auto_increment comment 'it''s \\ "c"\nnl',
 ti1 tinyint(1) not null default 1, si smallint unsigned, mi mediumint, zf int(5) unsigned zerofill, bi bigint default 9223372036854775807, b1 bit(1) default b'1', b8 bit(8),
 fl float(7,3), dbl double unsigned, dec1 decimal(10,3) default 1.500, num numeric,
 vc varchar(30) character set latin1 collate latin1_bin not null default 'x''y, )', ch char(3) default '', vb varbinary(10), bn binary(16),
 tt tinytext, tx text default ('abc'), mt mediumtext, lt longtext, tb tinyblob, bb blob, mb mediumblob, lb longblob,
 en enum('a','b,c','it''s','back\\slash','') default 'a', st set('x','y') default 'x,y',
 d date default '2020-01-01', t time(3), dt datetime(6) default current_timestamp(6) on update current_timestamp(6), ts timestamp not null default current_timestamp on update current_timestamp, y year,
 js json default (json_object('a', 'it''s')), tags json, u char(36) default (uuid()), pt point not null srid 4326, geo geometry,
 gv int generated always as (si + 1) virtual, gs varchar(40) as (concat(ch, 'it''s \\')) stored comment 'gen', gi int as (si*2) virtual invisible,
 expr int default (1+2), inv int default 5 invisible, nn int null default null,
 pa int, pb int, pid int unsigned,
 primary key (id, ti1) using btree,
 unique key uq1 (vc(10), en), unique key uq2 (si, mi), key k1 (tx(20)) comment 'kc', key kd (si desc, mi), fulltext key ftk (tx, mt), spatial key spk (pt), key `we``ird` (bi) using hash,
 key fx ((lower(vc))), key mix (si, (pa * 2) desc), unique key ufx ((upper(ch))), key hid (mi) invisible, key mvi ((cast(tags->'$.t' as unsigned array))),
 constraint ck1 check (si > 0 and ch <> 'it''s )'), constraint ck2 check (si < 10) not enforced, colx int check (colx > 3),
 constraint fk1 foreign key (pid) references parent (id) on delete cascade on update set null,
 constraint fk2 foreign key (pa,pb) references parent (a,b) on delete restrict
) default charset=utf8mb4 collate=utf8mb4_unicode_ci;
create table part (id int not null, y int not null, primary key(id,y)) partition by range (y) (partition p0 values less than (10), partition p1 values less than maxvalue);
create table parts (id int not null, y int not null, primary key(id,y)) partition by list (y) subpartition by hash (id) subpartitions 2 (partition p0 values in (1,2), partition `p 1` values in (3));
create table keyed (id int primary key) partition by key (id) partitions 3;
create table mema (a int, key(a) using hash) engine=memory;
create view v as select id, vc, count(*) c from big group by 1,2;
create table gone (id int);
create view broken as select id from gone;
drop table gone;
