/* src/aws_s3--1.0--1.1.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION aws_s3 UPDATE TO '1.1'" to load this file. \quit

-- Version 1.0 has all of version 1.1 already.
