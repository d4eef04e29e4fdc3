/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A sound card for tests on machines that have none: an ALSA capture plugin
 * that gives a sine tone at the pace of real time, through the real alsa-lib,
 * and that can be "unplugged".
 *
 *   make target/alsa/libasound_module_pcm_sealcam_paced.so
 *   touch /tmp/plugged
 *   ALSA_CONFIG_PATH=tests/alsa/asoundrc \
 *   SEALCAM_ALSA_PLUGIN=$PWD/target/alsa/libasound_module_pcm_sealcam_paced.so \
 *   SEALCAM_ALSA_GATE=/tmp/plugged \
 *       arecord -D paced ...          or: alsasrc device=paced provide-clock=false
 *
 * gate      A file. While it is there the card is there. Once it is removed a
 *           running capture fails as "fault" says and the card cannot be opened;
 *           once it is back the card can be opened again. Without a gate the
 *           card is always there.
 * fault     "unplug": reads give ENODEV, as a card that was pulled out does.
 *           "broken": reads give EIO, for which alsasrc posts no error.
 *           "silent": no more data; EIO only after 10 s, as the kernel does for a
 *           card that hangs. Until then a reader waits, and so does who stops it.
 * tone_hz   440 unless told.
 * exclusive "yes": like a real card it serves one program at a time; who comes
 *           second gets EBUSY. Needs a gate, whose lock tells.
 *
 * Like a card it does not wait: who reads too slowly gets an overrun (EPIPE).
 * S16_LE, 1 or 2 channels, 8 to 48 kHz.
 */
#define _GNU_SOURCE
#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000ULL
#define TICK_NS 5000000L
#define HUNG_LIMIT_NS (10 * NS_PER_S)
#define AMPLITUDE 8000.0

enum fault { UNPLUG, BROKEN, SILENT };

struct paced {
	snd_pcm_ioplug_t io;
	char *gate;
	int is_exclusive;
	int lock; /* the locked gate of an exclusive card, or -1 */
	enum fault fault;
	double tone_hz;
	uint64_t start_ns;     /* when the stream was started */
	uint64_t hung_frames;  /* where a silent card stopped */
	uint64_t hung_ns;      /* and when; 0 while it runs */
	uint64_t given_frames; /* read by the caller since the start */
};

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int is_plugged(const struct paced *card)
{
	return !card->gate || access(card->gate, F_OK) == 0;
}

static uint64_t frames_until(const struct paced *card, uint64_t ns)
{
	return (ns - card->start_ns) / 1000 * card->io.rate / (NS_PER_S / 1000);
}

static int is_hung(struct paced *card)
{
	if (!card->hung_ns && card->fault == SILENT && !is_plugged(card)) {
		card->hung_ns = now_ns();
		card->hung_frames = frames_until(card, card->hung_ns);
	}
	return card->hung_ns != 0;
}

static uint64_t captured_frames(struct paced *card)
{
	return is_hung(card) ? card->hung_frames : frames_until(card, now_ns());
}

/* The error that the card now gives instead of data, or 0. */
static int fault_now(struct paced *card)
{
	if (is_hung(card))
		return now_ns() - card->hung_ns > HUNG_LIMIT_NS ? -EIO : 0;
	if (is_plugged(card))
		return 0;
	if (card->fault == BROKEN)
		return -EIO;
	snd_pcm_ioplug_set_state(&card->io, SND_PCM_STATE_DISCONNECTED);
	return -ENODEV;
}

static int paced_start(snd_pcm_ioplug_t *io)
{
	struct paced *card = io->private_data;
	struct itimerspec tick = { { 0, TICK_NS }, { 0, TICK_NS } };

	card->start_ns = now_ns();
	card->given_frames = 0;
	card->hung_ns = 0;
	return timerfd_settime(io->poll_fd, 0, &tick, NULL) < 0 ? -errno : 0;
}

static int paced_stop(snd_pcm_ioplug_t *io)
{
	struct itimerspec off = { { 0, 0 }, { 0, 0 } };

	return timerfd_settime(io->poll_fd, 0, &off, NULL) < 0 ? -errno : 0;
}

static snd_pcm_sframes_t paced_pointer(snd_pcm_ioplug_t *io)
{
	struct paced *card = io->private_data;
	uint64_t frames = captured_frames(card);
	int error = fault_now(card);

	if (error)
		return error;
	if (frames - card->given_frames > io->buffer_size)
		return -EPIPE;
	return (snd_pcm_sframes_t)(frames % io->buffer_size);
}

static int16_t *sample_at(const snd_pcm_channel_area_t *area, snd_pcm_uframes_t frame)
{
	return (int16_t *)((char *)area->addr + (area->first + area->step * frame) / 8);
}

static snd_pcm_sframes_t paced_transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas,
					snd_pcm_uframes_t offset, snd_pcm_uframes_t size)
{
	struct paced *card = io->private_data;
	int error = fault_now(card);

	if (error)
		return error;
	for (snd_pcm_uframes_t i = 0; i < size; i++) {
		double seconds = (double)(card->given_frames + i) / io->rate;
		int16_t value = (int16_t)(AMPLITUDE * sin(2 * M_PI * card->tone_hz * seconds));

		for (unsigned channel = 0; channel < io->channels; channel++)
			*sample_at(&areas[channel], offset + i) = value;
	}
	card->given_frames += size;
	return (snd_pcm_sframes_t)size;
}

static int paced_poll_revents(snd_pcm_ioplug_t *io, struct pollfd *fds, unsigned count,
			      unsigned short *revents)
{
	struct paced *card = io->private_data;
	uint64_t ticks;
	uint64_t waiting;

	if (count != 1)
		return -EINVAL;
	*revents = fds[0].revents;
	if (fds[0].revents & POLLIN && read(fds[0].fd, &ticks, sizeof ticks) < 0)
		*revents = 0;
	waiting = captured_frames(card) - card->given_frames;
	if (!fault_now(card) && waiting < io->period_size)
		*revents &= (unsigned short)~POLLIN;
	return 0;
}

/* An exclusive card is taken by locking its gate. 0, or why it cannot be had. */
static int take(struct paced *card)
{
	int error;

	if (!card->is_exclusive || !card->gate)
		return 0;
	card->lock = open(card->gate, O_RDONLY | O_CLOEXEC);
	if (card->lock < 0)
		return -ENODEV;
	if (flock(card->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	error = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(card->lock);
	card->lock = -1;
	return error;
}

static void release(struct paced *card)
{
	if (card->lock >= 0)
		close(card->lock);
}

static int paced_close(snd_pcm_ioplug_t *io)
{
	struct paced *card = io->private_data;

	close(io->poll_fd);
	release(card);
	free(card->gate);
	free(card);
	return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
	.start = paced_start,
	.stop = paced_stop,
	.pointer = paced_pointer,
	.transfer = paced_transfer,
	.poll_revents = paced_poll_revents,
	.close = paced_close,
};

static int set_limits(snd_pcm_ioplug_t *io)
{
	static const unsigned access_list[] = { SND_PCM_ACCESS_RW_INTERLEAVED };
	static const unsigned format_list[] = { SND_PCM_FORMAT_S16_LE };
	int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 1, access_list);

	if (!error)
		error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format_list);
	if (!error)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, 1, 2);
	if (!error)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, 8000, 48000);
	if (!error)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 64, 1 << 18);
	if (!error)
		error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 64);
	return error;
}

static int read_fault(const char *name, enum fault *fault)
{
	static const char *const names[] = { "unplug", "broken", "silent" };

	for (int i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0) {
			*fault = (enum fault)i;
			return 0;
		}
	SNDERR("fault is \"%s\"; it can be unplug, broken or silent", name);
	return -EINVAL;
}

static int read_text(snd_config_t *node, const char *id, const char **text)
{
	if (snd_config_get_string(node, text) == 0)
		return 0;
	SNDERR("%s must be a string", id);
	return -EINVAL;
}

static int read_setting(snd_config_t *node, struct paced *card)
{
	const char *id, *text = NULL;
	int error = snd_config_get_id(node, &id);

	if (error || !strcmp(id, "comment") || !strcmp(id, "type") || !strcmp(id, "hint"))
		return error;
	if (!strcmp(id, "tone_hz"))
		return snd_config_get_ireal(node, &card->tone_hz);
	if (!strcmp(id, "fault"))
		return (error = read_text(node, id, &text)) ? error : read_fault(text, &card->fault);
	if (!strcmp(id, "exclusive")) {
		error = read_text(node, id, &text);
		card->is_exclusive = !error && strcmp(text, "yes") == 0;
		return error;
	}
	if (strcmp(id, "gate")) {
		SNDERR("unknown field %s", id);
		return -EINVAL;
	}
	error = read_text(node, id, &text);
	if (!error && *text && !(card->gate = strdup(text)))
		error = -ENOMEM;
	return error;
}

static int read_settings(snd_config_t *conf, struct paced *card)
{
	snd_config_iterator_t i, next;

	snd_config_for_each(i, next, conf) {
		int error = read_setting(snd_config_iterator_entry(i), card);

		if (error)
			return error;
	}
	return 0;
}

static int create(struct paced *card, const char *name, int mode)
{
	int error;

	card->io.version = SND_PCM_IOPLUG_VERSION;
	card->io.name = "Sealcam paced test tone";
	card->io.callback = &callbacks;
	card->io.private_data = card;
	card->io.poll_events = POLLIN;
	card->io.poll_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (card->io.poll_fd < 0)
		return -errno;
	error = snd_pcm_ioplug_create(&card->io, name, SND_PCM_STREAM_CAPTURE, mode);
	if (error)
		close(card->io.poll_fd);
	return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(sealcam_paced)
{
	struct paced *card;
	int error;

	(void)root;
	if (stream != SND_PCM_STREAM_CAPTURE)
		return -EINVAL;
	card = calloc(1, sizeof *card);
	if (!card)
		return -ENOMEM;
	card->tone_hz = 440;
	card->lock = -1;
	error = read_settings(conf, card);
	if (!error && !is_plugged(card))
		error = -ENODEV;
	if (!error)
		error = take(card);
	if (!error)
		error = create(card, name, mode);
	if (error) {
		release(card);
		free(card->gate);
		free(card);
		return error;
	}
	error = set_limits(&card->io);
	if (error) {
		snd_pcm_ioplug_delete(&card->io); /* calls paced_close */
		return error;
	}
	*pcmp = card->io.pcm;
	return 0;
}

SND_PCM_PLUGIN_SYMBOL(sealcam_paced);
