-- Awkward but legal MariaDB declarations (10.11 or newer); run it in an empty database.
create table parent (id int unsigned not null auto_increment primary key, a int, b int, unique key uqab (a,b)) engine=innodb auto_increment=100 row_format=dynamic comment='tbl ''cmt'' \\ x';
create table big (
 id bigint(20) unsigned zerofill not null auto_increment comment 'it''s \\ "c"\nnl',
 ti1 tinyint(1) not null default 1, ti tinyint(4), si smallint unsigned, mi mediumint, bi bigint default 9223372036854775807, b1 bit(1) default b'1', b8 bit(8),
 bl bool, fl float(7,3), dbl double unsigned, dec1 decimal(10,3) default 1.500, num numeric,
 vc varchar(30) character set latin1 collate latin1_bin not null default 'x''y, )', ch char(3) default '', vb varbinary(10), bn binary(16),
 tt tinytext, tx text default 'abc', mt mediumtext, lt longtext, tb tinyblob, bb blob, mb mediumblob, lb longblob,
 en enum('a','b,c','it''s','') default 'a', st set('x','y') default 'x,y',
 d date default '2020-01-01', t time(3), dt datetime(6) default current_timestamp(6) on update current_timestamp(6), ts timestamp not null default current_timestamp on update current_timestamp, ts2 timestamp null, y year,
 js json, u uuid default uuid(), i4 inet4, i6 inet6, pt point not null, geo geometry,
 gv int generated always as (ti + 1) virtual, gs int as (si*3) stored comment 'gen', gi int as (ti*2) invisible,
 expr int default (1+2), inv int invisible default 5, nn int null default null,
 pa int, pb int, pid int unsigned,
 primary key (id, ti1) using btree,
 unique key uq1 (vc(10), en), key k1 (tx(20)) comment 'kc', key kd (ti desc, si), fulltext key ftk (tx, mt), spatial key spk (pt), key `we``ird` (bi) using hash,
 unique key uqlong (lt) using hash,
 constraint ck1 check (ti > 0 and vc <> ')'), check (si < 10),
 constraint fk1 foreign key (pid) references parent (id) on delete cascade on update set null,
 constraint fk2 foreign key (pa,pb) references parent (a,b) on delete restrict
) engine=innodb default charset=utf8mb4 collate=utf8mb4_unicode_ci;
create table part (id int not null, y int not null, primary key(id,y)) partition by range (y) (partition p0 values less than (10), partition p1 values less than maxvalue);
create table isys (id int primary key, v int) with system versioning;
create sequence sq start with 5 increment by 2 cache 10;
create view v as select id, vc, count(*) c from big group by 1,2;
create table mema (a int, key(a) using hash) engine=memory;
create table myi (a int primary key, b int references parent(id)) engine=myisam;
create temporary table tmpx (id int primary key);
create table nextd (id int default nextval(sq), colx int check (colx > 3), cc varchar(10) check (json_valid(cc)));
