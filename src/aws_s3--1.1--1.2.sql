/* src/aws_s3--1.1--1.2.sql */

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION aws_s3 UPDATE TO '1.2'" to load this file. \quit

-- Version 1.1 has all of version 1.2 already.
