/*-------------------------------------------------------------------------
 *
 * http.c
 *		HTTP exchanges, many at a time, in one interruptible wait loop.
 *
 * libcurl tells which sockets it waits for; they are put into one epoll
 * descriptor ("mux"), which is itself waited for together with the process
 * latch.  So every wait, be it for a connection, a handshake, a body or a
 * scheduled repetition, ends at once on a cancel, a timeout or the death of
 * the postmaster.
 *
 * One multi handle per backend keeps connections for reuse.  It is made at
 * first use, never in the postmaster, and lives until the process exits.
 *
 * Rules kept here:
 * - no palloc, ereport or CHECK_FOR_INTERRUPTS inside a libcurl callback (most
 *   are in transfer.c);
 * - all signals are blocked around calls that may start libcurl's resolver
 *   thread, which must not run our handlers;
 * - each socket is counted as an external file descriptor.
 *
 * IDENTIFICATION
 *		src/net/http.c
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/config.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "net/http.h"
#include "net/transfer.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* How many events one look at the mux takes. */
#define MUX_EVENTS 32

/* How often running requests are looked at for whether they move. */
#define STALL_CHECK_MS 200

static CURLM *multi = NULL;
static int	mux = -1;
static TimestampTz curl_deadline = 0;	/* when libcurl wants to be called, or 0 */
static int	waited_ms = 0;		/* slept since the last look at what stalls */
static dlist_head running = DLIST_STATIC_INIT(running);
static dlist_head scheduled = DLIST_STATIC_INIT(scheduled);

/* Easy handles kept for reuse: setting one up costs several allocations. */
#define MAX_SPARE_HANDLES 64
static CURL *spare[MAX_SPARE_HANDLES];
static int	nspare = 0;

/* ---------------------------------------------------------------- callbacks */

/* libcurl wants to know of events on a socket. */
static int
socket_callback(CURL *easy, curl_socket_t fd, int what, void *userp, void *socketp)
{
	struct epoll_event ev;

	memset(&ev, 0, sizeof(ev));
	ev.data.fd = fd;
	if (what == CURL_POLL_REMOVE)
	{
		/* An already closed descriptor has left the set by itself. */
		(void) epoll_ctl(mux, EPOLL_CTL_DEL, fd, &ev);
		return 0;
	}
	if (what & CURL_POLL_IN)
		ev.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		ev.events |= EPOLLOUT;
	if (epoll_ctl(mux, EPOLL_CTL_MOD, fd, &ev) < 0)
		return epoll_ctl(mux, EPOLL_CTL_ADD, fd, &ev) < 0 ? -1 : 0;
	return 0;
}

static int
timer_callback(CURLM *m, long timeout_ms, void *userp)
{
	curl_deadline = timeout_ms < 0 ? 0 :
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), timeout_ms);
	return 0;
}

/* ------------------------------------------------------------------- set-up */

/*
 * Block all signals: libcurl's resolver thread inherits the mask, and a signal
 * meant for the backend must be handled by its main thread.
 */
static void
block_signals(sigset_t *save)
{
	sigset_t	all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, save);
}

static void
unblock_signals(const sigset_t *save)
{
	pthread_sigmask(SIG_SETMASK, save, NULL);
}

static void
shut_down(int code, Datum arg)
{
	if (multi == NULL)
		return;
	while (!dlist_is_empty(&running))
	{
		HttpTransfer *t = dlist_container(HttpTransfer, node, dlist_pop_head_node(&running));

		curl_multi_remove_handle(multi, t->easy);
		curl_easy_cleanup(t->easy);
		curl_slist_free_all(t->headers);
		if (t->req)
			t->req->transfer = NULL;
		free(t);
	}
	while (nspare > 0)
		curl_easy_cleanup(spare[--nspare]);
	curl_multi_cleanup(multi);
	multi = NULL;
	close(mux);
	mux = -1;
}

static void
start_up(void)
{
	CURLM	   *m;

	if (multi != NULL)
		return;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_ERROR),
				 errmsg("could not initialize libcurl")));
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("could not reserve a file descriptor for network connections"),
				 errhint("Consider increasing max_files_per_process.")));
	mux = epoll_create1(EPOLL_CLOEXEC);
	if (mux < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR,
				(errcode_for_socket_access(),
				 errmsg("could not create an epoll descriptor: %m")));
	}
	m = curl_multi_init();
	if (m == NULL ||
		curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, socket_callback) != CURLM_OK ||
		curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, timer_callback) != CURLM_OK)
	{
		if (m)
			curl_multi_cleanup(m);
		close(mux);
		mux = -1;
		ReleaseExternalFD();
		ereport(ERROR,
				(errcode(ERRCODE_FDW_OUT_OF_MEMORY),
				 errmsg("could not set up libcurl's multi interface")));
	}
	multi = m;
	on_proc_exit(shut_down, (Datum) 0);
}

/* ------------------------------------------------------- begin and end of it */

static void
release_handle(HttpTransfer *t)
{
	if (t->easy)
	{
		/*
		 * A transfer that ended early, as when no host was found, may leave
		 * its buffers in the handle, and then libcurl 7.88 refuses to have it
		 * set up again.
		 */
		if (t->finished && t->result == CURLE_OK && nspare < MAX_SPARE_HANDLES)
		{
			curl_easy_reset(t->easy);
			spare[nspare++] = t->easy;
		}
		else
			curl_easy_cleanup(t->easy);
		t->easy = NULL;
	}
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}

static bool
append_header(HttpTransfer *t, const char *line)
{
	struct curl_slist *list = curl_slist_append(t->headers, line);

	if (list == NULL)
		return false;
	t->headers = list;
	return true;
}

/* Hand a due request to libcurl; a failure to do so ends it at once. */
static void
start_transfer(HttpTransfer *t)
{
	HttpRequest *req = t->req;
	bool		ok = true;
	bool		typed = false;
	CURLcode	rc = CURLE_OUT_OF_MEMORY;
	sigset_t	save;

	/* libcurl would add these on its own account, and a type to a POST. */
	ok = append_header(t, "Expect:") && append_header(t, "Accept:");
	for (int i = 0; ok && i < req->nheaders; i++)
	{
		ok = append_header(t, req->headers[i]);
		if (pg_strncasecmp(req->headers[i], "content-type:", 13) == 0)
			typed = true;
	}
	if (ok && !typed)
		ok = append_header(t, "Content-Type:");

	t->easy = nspare > 0 ? spare[--nspare] : curl_easy_init();
	if (ok && t->easy != NULL)
		rc = transfer_configure(t);

	dlist_push_tail(&running, &t->node);
	if (rc == CURLE_OK)
	{
		CURLMcode	mc;

		curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long) s3_max_connections);
		block_signals(&save);
		mc = curl_multi_add_handle(multi, t->easy);
		unblock_signals(&save);
		if (mc == CURLM_OK)
			return;
		rc = CURLE_FAILED_INIT;
	}
	t->finished = true;
	t->result = rc;
}

static HttpTransfer *
next_finished(void)
{
	dlist_iter	iter;

	dlist_foreach(iter, &running)
	{
		HttpTransfer *t = dlist_container(HttpTransfer, node, iter.cur);

		if (t->finished)
			return t;
	}
	return NULL;
}

/*
 * Give the ended transfers' answers to their requests.  One at a time, with
 * everything in order before on_done is called: that may throw.
 */
static void
reap(void)
{
	CURLMsg    *msg;
	int			left;
	HttpTransfer *t;

	while ((msg = curl_multi_info_read(multi, &left)) != NULL)
	{
		CURLcode	result = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		t = NULL;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **) &t);
		t->finished = true;
		t->result = result;
	}

	while ((t = next_finished()) != NULL)
	{
		HttpRequest *req = t->req;

		req->outcome = transfer_outcome(t);
		if (req->outcome == HTTP_ANSWERED)
		{
			long		status = 0;

			curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
			req->status = (int) status;
		}
		else
			strlcpy(req->error, transfer_error(t), sizeof(req->error));
		req->transfer = NULL;

		dlist_delete(&t->node);
		if (t->easy)
			curl_multi_remove_handle(multi, t->easy);
		release_handle(t);
		free(t);

		/* It may submit itself again. */
		if (req->on_done)
			req->on_done(req);
	}
}

static void
forget_request(void *arg)
{
	http_cancel((HttpRequest *) arg);
}

void
http_request_init(HttpRequest *req)
{
	memset(req, 0, sizeof(*req));
	req->range_first = req->object_size = -1;
	req->stall_timeout = s3_stall_timeout;
	req->text_max = ERROR_TEXT_MAX;
	req->unhook.func = forget_request;
	req->unhook.arg = req;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &req->unhook);
}

void
http_submit(HttpRequest *req)
{
	HttpTransfer *t;

	start_up();
	Assert(req->outcome != HTTP_RUNNING);

	t = calloc(1, sizeof(HttpTransfer));
	if (t == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	t->req = req;

	free(req->text);
	req->text = NULL;
	req->text_len = 0;
	req->recv_len = 0;
	req->status = 0;
	req->content_length = req->range_total = req->range_start = -1;
	req->retry_after_ms = -1;
	req->etag[0] = req->request_id[0] = req->bucket_region[0] = '\0';
	req->date[0] = req->last_modified[0] = req->error[0] = '\0';
	req->storage_class[0] = req->restore[0] = req->version_id[0] = '\0';
	req->outcome = HTTP_RUNNING;
	req->transfer = t;

	if (req->not_before > GetCurrentTimestamp())
		dlist_push_tail(&scheduled, &t->node);
	else
		start_transfer(t);
}

void
http_cancel(HttpRequest *req)
{
	HttpTransfer *t = req->transfer;

	free(req->text);
	req->text = NULL;
	req->text_len = 0;
	if (t == NULL)
		return;
	req->transfer = NULL;
	req->outcome = HTTP_IDLE;
	dlist_delete(&t->node);
	t->req = NULL;
	if (t->easy)
	{
		sigset_t	save;

		block_signals(&save);
		curl_multi_remove_handle(multi, t->easy);
		unblock_signals(&save);
	}
	release_handle(t);
	free(t);
}

/* ------------------------------------------------------------- the wait loop */

/* Start what is due; returns when the next scheduled request is, or 0. */
static TimestampTz
start_due(void)
{
	TimestampTz now;
	TimestampTz next = 0;
	dlist_mutable_iter iter;

	if (dlist_is_empty(&scheduled))
		return 0;
	now = GetCurrentTimestamp();
	dlist_foreach_modify(iter, &scheduled)
	{
		HttpTransfer *t = dlist_container(HttpTransfer, node, iter.cur);

		if (t->req->not_before <= now)
		{
			dlist_delete(&t->node);
			start_transfer(t);
		}
		else if (next == 0 || t->req->not_before < next)
			next = t->req->not_before;
	}
	return next;
}

/* Let libcurl work on what is ready.  True if there was anything. */
static bool
move_ready(void)
{
	struct epoll_event events[MUX_EVENTS];
	int			n;
	int			still_running;
	bool		moved = false;
	sigset_t	save;

	n = epoll_wait(mux, events, MUX_EVENTS, 0);
	block_signals(&save);
	for (int i = 0; i < n; i++)
	{
		int			what = 0;

		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(multi, events[i].data.fd, what, &still_running);
		moved = true;
	}
	if (curl_deadline != 0 && curl_deadline <= GetCurrentTimestamp())
	{
		curl_deadline = 0;
		curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &still_running);
		moved = true;
	}
	unblock_signals(&save);
	return moved;
}

/*
 * End the requests on which nothing has moved for their stall timeout.  Only
 * time spent waiting for them counts, and none before the connection stands,
 * for which there is a timeout of its own.  (libcurl's low speed limit looks at
 * an average of five seconds, and so is late.)
 */
static void
end_stalled(void)
{
	dlist_iter	iter;

	if (waited_ms < STALL_CHECK_MS)
		return;
	dlist_foreach(iter, &running)
	{
		HttpTransfer *t = dlist_container(HttpTransfer, node, iter.cur);
		curl_off_t	begun = 0;
		curl_off_t	up = 0;
		curl_off_t	down = 0;
		long		header = 0;

		if (t->finished)
			continue;
		curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &begun);
		curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &up);
		curl_easy_getinfo(t->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
		curl_easy_getinfo(t->easy, CURLINFO_HEADER_SIZE, &header);
		if (begun == 0 || up + down + header != t->moved)
		{
			t->moved = up + down + header;
			t->idle_ms = 0;
			continue;
		}
		t->idle_ms += waited_ms;
		if (t->idle_ms >= t->req->stall_timeout)
			t->stalled = t->finished = true;
	}
	waited_ms = 0;
}

void
http_pump(TimestampTz deadline, uint32 wait_event_info)
{
	TimestampTz now;
	TimestampTz wake;
	long		timeout = -1;
	bool		moved;
	int			rc;

	CHECK_FOR_INTERRUPTS();
	start_up();

	wake = start_due();
	if (move_ready() || next_finished() != NULL)
	{
		reap();
		return;
	}

	if (deadline != 0 && (wake == 0 || deadline < wake))
		wake = deadline;
	if (curl_deadline != 0 && (wake == 0 || curl_deadline < wake))
		wake = curl_deadline;
	now = GetCurrentTimestamp();
	if (wake != 0)
		timeout = Max(0, TimestampDifferenceMilliseconds(now, wake));
	else if (dlist_is_empty(&running))
		return;					/* nothing can ever happen */
	if (!dlist_is_empty(&running) && (timeout < 0 || timeout > STALL_CHECK_MS))
		timeout = STALL_CHECK_MS;

	rc = WaitLatchOrSocket(MyLatch,
						   WL_LATCH_SET | WL_SOCKET_READABLE | WL_EXIT_ON_PM_DEATH |
						   (timeout >= 0 ? WL_TIMEOUT : 0),
						   mux, timeout, wait_event_info);
	if (rc & WL_LATCH_SET)
	{
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	waited_ms += (int) TimestampDifferenceMilliseconds(now, GetCurrentTimestamp());
	moved = move_ready();
	end_stalled();				/* before others start, who have not waited */
	start_due();
	if (moved || next_finished() != NULL)
		reap();
}

void
http_poll(void)
{
	if (multi == NULL)
		return;
	start_due();
	if (move_ready() || next_finished() != NULL)
		reap();
}
