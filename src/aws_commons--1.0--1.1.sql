/* src/aws_commons--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION aws_commons UPDATE TO '1.1'" to load this file. \quit

-- Version 1.0 has all of version 1.1 already.
